// A phone in Chromium, led line by line: reads `word argument` from its input and answers each with one line, `ok ...` or
// `error ...`. Its page is served from loopback, because pages from nowhere may not open a WebSocket to there.
import { build } from 'esbuild';
import { createServer } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

const [library, url, user, password, hertz] = process.argv.slice(2);
const here = new URL('.', import.meta.url).pathname;
const { outputFiles } = await build({
  entryPoints: [join(here, 'page', `${library}.js`)], bundle: true, format: 'iife', write: false, define: { global: 'window' },
});
const server = createServer((request, response) => {
  const isScript = request.url === '/phone.js';
  response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
  response.end(isScript ? outputFiles[0].text : '<!doctype html><meta charset=utf-8><title>phone</title><script src=/phone.js></script>');
});
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const profile = await mkdtemp(join(tmpdir(), 'offhook-browser-'));
const context = await chromium.launchPersistentContext(profile, {
  executablePath: '/usr/bin/chromium',
  headless: true,
  timeout: 120000,
  ignoreHTTPSErrors: true,
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required', '--mute-audio',
    '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', '--allow-loopback-in-peer-connection',
  ],
});
const page = await context.newPage();
page.on('console', (message) => console.error(`page: ${message.text()}`));
page.on('pageerror', (error) => console.error(`page: ${error}`));
await page.goto(`http://localhost:${server.address().port}/`);
const asked = (method, ...given) => page.evaluate(([name, list]) => window.phone[name](...list), [method, given]);

// Waits for what may take a while on a busy machine.
async function until(condition, patience = 60000) {
  const end = Date.now() + patience;
  for (;;) {
    const found = await condition();
    if (found) return found;
    if (Date.now() > end) return null;
    await new Promise((next) => setTimeout(next, 100));
  }
}

const words = {
  start: () => asked('start', { url, user, password, hertz: Number(hertz) }),
  // From here on: what was told before is not looked at again.
  async tells(what) {
    const at = await until(async () => (await asked('told')).findIndex((one, index) => index >= seen && one.startsWith(what)) + 1);
    if (!at) throw new Error(`never told of ${what}: ${await asked('told')}`);
    seen = at;
    return (await asked('told'))[at - 1];
  },
  async hears(tone) {
    let last;
    const found = await until(async () => {
      last = await asked('heard');
      return last && Math.abs(last.hertz - Number(tone)) < 6 && last.level > -45 && last.above > 10;
    });
    if (!found) throw new Error(`${tone} Hz were not heard but ${JSON.stringify(last)}; ${await asked('connection')}`);
    return `${last.hertz.toFixed(1)} Hz ${last.level.toFixed(1)} dB`;
  },
  async silence() {
    const found = await until(async () => { const now = await asked('heard'); return !now || now.level < -70; });
    if (!found) throw new Error(`it is not silent: ${JSON.stringify(await asked('heard'))}`);
  },
};
let seen = 0;

console.log('ok ready');
for await (const line of createInterface({ input: process.stdin })) {
  const [word, argument] = line.split(' ', 2);
  try {
    const told = words[word] ? await words[word](argument) : await asked(word, ...(argument ? [argument] : []));
    console.log(`ok ${told ?? ''}`);
  } catch (error) {
    console.log(`error ${String(error).replaceAll('\n', ' ')}`);
  }
}
await context.close();
server.close();
await rm(profile, { recursive: true, force: true });
