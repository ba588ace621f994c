// Both languages say the same things, and the pages say nothing that is not in the table.
import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { test } from 'node:test';
import { TEXTS } from '../texts.js';

const folder = new URL('..', import.meta.url);

test('every language has the same texts, none of them empty, with the same blanks', () => {
  const keys = Object.keys(TEXTS.en);
  for (const [language, texts] of Object.entries(TEXTS)) {
    assert.deepEqual(Object.keys(texts), keys, language);
    for (const key of keys) {
      const blanks = (text) => [...text.matchAll(/\{\w+\}/g)].map(String).sort();
      assert.ok(texts[key].trim(), `${language} ${key}`);
      assert.deepEqual(blanks(texts[key]), blanks(TEXTS.en[key]), `${language} ${key}`);
    }
  }
});

test('every text that a page asks for exists', async () => {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.js') && name !== 'texts.js');
  let asked = 0;
  for (const file of files) {
    const source = await readFile(new URL(file, folder), 'utf8');
    for (const [, key] of source.matchAll(/\bt\('([^']+)'/g)) {
      asked += 1;
      assert.ok(key in TEXTS.en, `${file}: ${key}`);
    }
  }
  assert.ok(asked > 60, `only ${asked} were found`);
});

test('nothing is written into a page in line, which its policy would forbid', async () => {
  for (const file of (await readdir(folder)).filter((name) => name.endsWith('.html'))) {
    const source = await readFile(new URL(file, folder), 'utf8');
    assert.doesNotMatch(source, /\sstyle=|\son\w+=|<style|<script(?![^>]*\ssrc=)|https?:/, file);
  }
});
