// An agent at the softphone's page as the daemon serves it, led line by line.
import { build } from 'esbuild';
import { join } from 'node:path';
import { listening, obey, openChromium } from './led.mjs';

const [url, hertz] = process.argv.slice(2);
const here = new URL('.', import.meta.url).pathname;
const { outputFiles } = await build({
  stdin: { contents: `import { prepare } from './page/agent.js'; prepare(${Number(hertz)});`, resolveDir: here },
  bundle: true, format: 'iife', write: false,
});
const { context, end } = await openChromium({ viewport: { width: 1100, height: 900 } });
const page = await context.newPage();
const faults = [];
page.on('console', (message) => { console.error(`page: ${message.text()}`); });
page.on('pageerror', (error) => faults.push(String(error)));
await page.addInitScript({ content: outputFiles[0].text });
await page.goto(`${url}/?lng=en`);

const words = {
  async login(given) {
    const [user, password] = given.split(' ');
    await page.fill('#user', user);
    await page.fill('#password', password);
    await page.keyboard.press('Enter');
    await page.locator('.bar').waitFor();
  },
  press: (key) => page.locator(`[data-key="${key}"], [data-key^="${key} "]`).first().click(),
  keys: (text) => page.keyboard.type(text),
  key: (name) => page.keyboard.press(name),
  look: (which) => page.locator(`[data-look="${which}"]`).first().waitFor(),
  idle: (kind) => page.locator(`.idle.is-${kind}`).waitFor(),
  reads: (text) => page.getByText(text).first().waitFor(),
  number: (text) => page.fill('#number', text),
  status: (name) => page.selectOption('#status', name),
  async target(text) {
    await page.fill('#target', text);
    // Colleagues are told about each other once a second.
    await page.locator('.targets button', { hasText: text }).first().waitFor();
    await page.keyboard.press('Enter');
  },
  reload: () => page.reload(),
  picture: (path) => page.screenshot({ path, fullPage: true }),
  faults: () => faults.join(' '),
  log: () => page.evaluate(() => window.offhook.getLog().text().slice(-3000)),
  ...listening(() => page.evaluate(() => window.heard?.()), () => words.log()),
};

await obey(words, (word) => { throw new Error(`nobody knows the word ${word}`); });
await end();
