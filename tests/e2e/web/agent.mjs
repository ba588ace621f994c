// A page without a browser: reads lines of JSON, `["open", name, url, options, hello]`, `["say", name, order]`, `["drop", name]`, and answers each with one
// line; whatever is told comes as `["told", name, message]` before the answer to `["until", name, path, value]`.
import { createInterface } from 'node:readline';
import WebSocket from 'ws';

const pages = {};
const patience = 60000;
const at = (message, path) => path.split('.').reduce((value, key) => value?.[key], message);

async function until(page, path, value) {
  const end = Date.now() + patience;
  while (Date.now() < end) {
    const found = page.heard.find((message) => JSON.stringify(at(message, path)) === JSON.stringify(value));
    if (found) {
      page.heard = page.heard.slice(page.heard.indexOf(found) + 1);
      return found;
    }
    if (page.over && !page.heard.length) return { over: page.over };
    await new Promise((next) => setTimeout(next, 20));
  }
  throw new Error(`never ${path} ${value}: ${JSON.stringify(page.heard)}`);
}

const words = {
  open: (name, url, { origin } = {}, hello = null) => new Promise((ready) => {
    const socket = new WebSocket(url, 'offhook.agent.1', { origin });
    const page = { socket, heard: [], last: 1 };
    pages[name] = page;
    socket.on('open', () => { if (hello) socket.send(JSON.stringify({ do: 'hello', id: '1', version: 1, ...hello })); else ready('open'); });
    socket.on('message', (text) => {
      const message = JSON.parse(text);
      page.heard.push(message);
      if (message.done === '1' || 'refused' in message) ready(message);
    });
    socket.on('unexpected-response', (_, response) => ready({ http: response.statusCode }));
    socket.on('close', (code) => { page.over = `closed ${code}`; ready({ over: page.over }); });
    socket.on('error', () => {});
  }),
  async say(name, order) {
    const page = pages[name];
    const id = String((page.last += 1));
    page.socket.send(typeof order === 'string' ? order : JSON.stringify({ id, ...order }));
    const end = Date.now() + patience;
    while (Date.now() < end) {
      const found = page.heard.find((message) => message.done === id || message.refused === id || (typeof order === 'string' && 'refused' in message));
      if (found) { page.heard = page.heard.filter((message) => message !== found); return found; }
      if (page.over) return { over: page.over };
      await new Promise((next) => setTimeout(next, 20));
    }
    throw new Error(`no answer to ${JSON.stringify(order)}`);
  },
  until: (name, path, value) => until(pages[name], path, value),
  async drop(name) { pages[name].socket.terminate(); return 'dropped'; },
};

for await (const line of createInterface({ input: process.stdin })) {
  const [word, ...given] = JSON.parse(line);
  try {
    console.log(JSON.stringify({ ok: await words[word](...given) }));
  } catch (error) {
    console.log(JSON.stringify({ error: String(error) }));
  }
}
process.exit(0);
