// A phone in Chromium, led line by line. Its page is served from loopback, because pages from nowhere may not open a
// WebSocket to there.
import { build } from 'esbuild';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { listening, obey, openChromium, until } from './led.mjs';

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
const { context, end } = await openChromium();
const page = await context.newPage();
page.on('console', (message) => console.error(`page: ${message.text()}`));
page.on('pageerror', (error) => console.error(`page: ${error}`));
await page.goto(`http://localhost:${server.address().port}/`);
const asked = (method, ...given) => page.evaluate(([name, list]) => window.phone[name](...list), [method, given]);

let seen = 0;
const words = {
  start: () => asked('start', { url, user, password, hertz: Number(hertz) }),
  // From here on: what was told before is not looked at again.
  async tells(what) {
    const at = await until(async () => (await asked('told')).findIndex((one, index) => index >= seen && one.startsWith(what)) + 1);
    if (!at) throw new Error(`never told of ${what}: ${await asked('told')}`);
    seen = at;
    return (await asked('told'))[at - 1];
  },
  ...listening(() => asked('heard'), () => asked('connection')),
};

await obey(words, (word, argument) => asked(word, ...(argument ? [argument] : [])));
await end();
server.close();
