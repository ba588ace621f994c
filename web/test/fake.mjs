// A daemon for the page's development and tests: speaks the agents' protocol, serves the page, places calls that one asks it for.
// It carries no audio of its own: whoever wants some gives it a `media` end. Node's standard library only.
import { createHash, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';

const ROOT = new URL('..', import.meta.url).pathname;
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
const PAGES = { '/': 'index.html', '/check': 'check.html' };
// No laxer than the daemon's.
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self' blob:; connect-src 'self'; "
  + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** One WebSocket of RFC 6455, as far as browsers make use of it: text, close and ping, fragments refused. */
class Socket {
  constructor(stream, head) {
    Object.assign(this, { stream, rest: Buffer.from(head), onmessage: () => {}, onclose: () => {} });
    stream.on('data', (data) => { this.rest = Buffer.concat([this.rest, data]); this.read(); });
    stream.on('close', () => this.onclose());
    stream.on('error', () => {});
    if (head.length) setImmediate(() => this.read());
  }

  read() {
    for (;;) {
      const frame = this.rest;
      if (frame.length < 2) return;
      let length = frame[1] & 127;
      let at = 2;
      if (length === 126) { if (frame.length < 4) return; length = frame.readUInt16BE(2); at = 4; }
      if (length === 127) { if (frame.length < 10) return; length = Number(frame.readBigUInt64BE(2)); at = 10; }
      if (frame.length < at + 4 + length) return;
      const mask = frame.subarray(at, at + 4);
      const text = Buffer.from(frame.subarray(at + 4, at + 4 + length)).map((byte, index) => byte ^ mask[index % 4]);
      this.rest = frame.subarray(at + 4 + length);
      const kind = frame[0] & 15;
      if (kind === 1) this.onmessage(JSON.parse(text.toString()));
      if (kind === 8) this.close();
      if (kind === 9) this.write(10, text);
    }
  }

  write(kind, body) {
    if (this.stream.destroyed) return;
    const long = body.length > 125;
    const head = Buffer.alloc(long ? 4 : 2);
    head[0] = 128 | kind;
    head[1] = long ? 126 : body.length;
    if (long) head.writeUInt16BE(body.length, 2);
    this.stream.write(Buffer.concat([head, body]));
  }

  send(value) { this.write(1, Buffer.from(JSON.stringify(value))); }
  close() { this.write(8, Buffer.alloc(0)); this.stream.end(); }
  cut() { this.stream.destroy(); }
}

const STATUSES = [
  { name: 'Available', kind: 'routable' }, { name: 'Break', kind: 'custom' }, { name: 'Lunch', kind: 'custom' },
  { name: 'Training', kind: 'custom' }, { name: 'Offline', kind: 'offline' },
];
const AGENTS = [
  { name: 'bob', status: 'Available', activity: 'available' }, { name: 'chika', status: 'Available', activity: 'on_contact' },
  { name: 'dan', status: 'Lunch', activity: 'custom' }, { name: 'emi', status: 'Available', activity: 'acw' },
];
const QUICK = [
  { name: 'Second level', to: 'queue:second-level', kind: 'queue' }, { name: 'Billing', to: 'queue:billing', kind: 'queue' },
  { name: 'Bob', to: 'agent:bob', kind: 'agent' }, { name: 'Night desk', to: '+81312345678', kind: 'number' },
];

export class Fake {
  constructor({ media, acwSeconds = 60, now = () => Date.now(), refuse } = {}) {
    Object.assign(this, { media, acwSeconds, now, refuse, sockets: new Set(), contacts: new Map(), tokens: new Set(), asked: [], owner: null });
    this.agent = { name: 'alice', status: 'Offline', status_kind: 'offline', status_since: now(), next_status: null, activity: 'offline', auto_accept: false };
    this.extras = { statuses: STATUSES, caller_ids: ['+81335550100', '+81335550199'], quick_connects: QUICK, agents: AGENTS, history: [] };
  }

  async start(port = 0) {
    this.server = createServer((request, response) => this.serve(request, response));
    this.server.on('upgrade', (request, stream, head) => this.upgrade(request, stream, head));
    await new Promise((ready) => this.server.listen(port, '127.0.0.1', ready));
    this.port = this.server.address().port;
    return this;
  }

  get url() { return `ws://127.0.0.1:${this.port}/agent`; }

  stop() {
    this.isStopped = true;
    for (const socket of this.sockets) socket.cut();
    this.server.closeAllConnections();
    this.server.close();
  }

  async serve(request, response) {
    const path = new URL(request.url, 'http://x').pathname;
    const file = normalize(PAGES[path] ?? path.slice(1));
    try {
      if (file.startsWith('..') || file.startsWith('test')) throw new Error('not served');
      const body = await readFile(join(ROOT, file));
      response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'text/plain', 'content-security-policy': POLICY, 'cache-control': 'no-store' });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  }

  upgrade(request, stream, head) {
    const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    stream.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: offhook.agent.1\r\n\r\n`);
    const socket = new Socket(stream, head);
    this.sockets.add(socket);
    socket.onmessage = (asked) => this.take(socket, asked);
    socket.onclose = () => {
      this.sockets.delete(socket);
      if (this.owner !== socket) return;
      this.owner = null;
      for (const one of this.contacts.values()) if (one.state === 'connected') this.change(one, { needs_attach: true });
    };
  }

  async take(socket, asked) {
    this.asked.push(asked);
    const { do: what, id } = asked;
    try {
      if (this.refuse?.(asked)) throw this.refuse(asked);
      const wanted = asked.contact === undefined ? null : this.contacts.get(asked.contact);
      if (wanted === undefined) throw { code: 'unknown_contact' };
      if (!socket.isIn && what !== 'hello') throw { code: 'bad_request' };
      const done = await this[`do_${what}`](asked, socket, wanted);
      socket.send({ done: id, ...done });
      if (what === 'hello') this.moveAudio(socket);
    } catch (error) {
      if (error instanceof Error && !this.isStopped) console.error(error);
      socket.send({ refused: id, error: { code: error.code ?? 'bad_request', message: error.message ?? '' } });
    }
  }

  // -- what the client asks

  do_hello({ user, password, token, media }, socket) {
    if (token ? !this.tokens.has(token) : user !== this.agent.name || password !== 'secret') throw { code: token ? 'bad_token' : 'bad_credentials' };
    const [session, resume] = [randomUUID(), randomUUID()];
    this.tokens.add(session).add(resume);
    Object.assign(socket, { isIn: true, media });
    if (media) for (const one of this.contacts.values()) if (one.state === 'connected') one.needs_attach = true;
    return {
      version: 1, agent: this.agent, contacts: [...this.contacts.values()], token: session, token_until: this.now() + 3600000,
      resume, resume_for_s: 60, owner: Boolean(media), ice_servers: [], ...this.extras,
    };
  }

  do_set_status({ status }) {
    const found = this.extras.statuses.find((one) => one.name === status);
    if (!found) throw { code: 'bad_request', message: 'no such status' };
    if (this.contacts.size > 0) return void this.changeAgent({ next_status: status });
    return void this.changeAgent({ status, status_kind: found.kind, status_since: this.now(), next_status: null });
  }

  do_cancel_next_status() { this.changeAgent({ next_status: null }); }
  do_ping({ at }) { return { at, now: this.now() }; }
  do_report() {}

  async do_accept({ sdp }, socket, contact) {
    if (contact.state !== 'connecting' && contact.state !== 'incoming') throw { code: 'wrong_state' };
    if (!sdp) throw { code: 'not_owner' };
    await this.media?.takeAnswer(contact.id, sdp);
    this.change(contact, { state: 'connected', since: this.now(), offer: null });
  }

  do_reject(_, __, contact) { this.change(contact, { state: 'missed', since: this.now(), offer: null }); }
  async do_dial({ number, sdp, caller_id }) { return { contact: await this.place({ to: number, from: caller_id ?? '+81335550100', sdp }) }; }

  async do_consult({ contact, to, sdp }) {
    this.change(this.contacts.get(contact), { held: true });
    return { contact: await this.place({ to, from: '+81335550100', sdp, consults: contact }) };
  }

  async place({ to, from, sdp, consults = null }) {
    const id = randomUUID().slice(0, 8);
    const answer = sdp ? ((await this.media?.answer(id, sdp)) ?? null) : null;
    this.add({ id, direction: 'outbound', state: 'connecting', to, from, consults, answer });
    return id;
  }

  do_hang_up(_, __, contact) { this.end(contact.id, 'normal'); }
  do_hold(_, __, contact) { this.change(contact, { held: true }); }
  do_resume(_, __, contact) {
    for (const one of this.contacts.values()) if (one !== contact && one.state === 'connected') this.change(one, { held: true });
    this.change(contact, { held: false });
  }
  do_mute({ on }, _, contact) { this.change(contact, { muted: on }); }
  do_dtmf() {}
  do_transfer(_, __, contact) { this.end(contact.id, 'normal'); }

  do_complete(_, __, contact) {
    this.contacts.delete(contact.id);
    this.tell({ told: 'contact_gone', contact: contact.id });
    this.end(contact.consults, 'normal');
  }

  async do_attach({ sdp }, _, contact) {
    const answer = (await this.media?.answer(contact.id, sdp)) ?? null;
    setImmediate(() => this.change(contact, { needs_attach: false }));
    return { sdp: answer };
  }

  do_clear(_, __, contact) { this.remove(contact.id); }
  do_logout() { this.tell({ told: 'bye', reason: 'logout' }); }

  // -- what happens to the client

  async ring(given = {}) {
    const id = given.id ?? randomUUID().slice(0, 8);
    const offer = (await this.media?.offer(id)) ?? null;
    this.add({ id, direction: 'inbound', state: 'connecting', from: '+81312340001', to: '+81120000100', queue: 'support', waited_ms: 42000, offer, ...given });
    return id;
  }

  answered(id) { this.change(this.contacts.get(id), { state: 'connected', since: this.now() }); }
  miss(id) { this.change(this.contacts.get(id), { state: 'missed', since: this.now(), offer: null }); }
  fail(id, text) { this.change(this.contacts.get(id), { state: 'error', since: this.now(), ended: { cause: 'fault', text } }); }

  end(id, cause = 'normal') {
    const contact = this.contacts.get(id);
    this.media?.close(id);
    this.change(contact, { state: 'ended', since: this.now(), held: false, needs_attach: false, offer: null, acw_until: this.acwSeconds ? this.now() + this.acwSeconds * 1000 : null, ended: { cause, text: '' } });
  }

  remove(id) {
    this.contacts.delete(id);
    this.tell({ told: 'contact_gone', contact: id });
    const { next_status: next } = this.agent;
    if (next && this.contacts.size === 0) this.do_set_status({ status: next });
    this.changeAgent({});
  }

  add(given) {
    const contact = {
      held: false, muted: false, consults: null, name: null, queue: null, waited_ms: null, attributes: {}, offer: null, answer: null,
      needs_attach: false, acw_until: null, ended: null, since: this.now(), ...given,
    };
    this.contacts.set(contact.id, contact);
    this.change(contact, {});
  }

  change(contact, what) {
    Object.assign(contact, what);
    this.tell({ told: 'contact', contact });
    this.changeAgent({});
  }

  changeAgent(what) {
    Object.assign(this.agent, what);
    const all = [...this.contacts.values()];
    const first = (...states) => all.some((one) => states.includes(one.state));
    const { status_kind: kind } = this.agent;
    this.agent.activity = first('error') ? 'error' : first('missed') ? 'missed'
      : all.some((one) => one.state === 'connected' || (one.state === 'connecting' && one.direction !== 'inbound')) ? 'on_contact'
        : first('ended') ? 'acw' : first('connecting', 'incoming') ? 'incoming' : kind === 'routable' ? 'available' : kind;
    this.tell({ told: 'agent', agent: this.agent });
  }

  moveAudio(socket) {
    if (!socket.media || this.owner === socket) return;
    this.owner?.send({ told: 'audio', owner: false });
    this.owner = socket;
  }

  tell(what) { for (const socket of this.sockets) if (socket.isIn) socket.send(what); }
  cut() { for (const socket of this.sockets) socket.cut(); }
}

// With a port it is a program; without one, as the runner of tests calls it, a module.
if (process.argv[1] === new URL(import.meta.url).pathname && process.argv[2]) {
  const fake = await new Fake().start(Number(process.argv[2]));
  console.log(`http://127.0.0.1:${fake.port}/ as alice, password secret. A line "ring" rings; "end", "miss", "cut" do as they say.`);
  process.stdin.on('data', (line) => {
    const [word] = line.toString().trim().split(' ');
    const last = [...fake.contacts.keys()].at(-1);
    if (word === 'ring') fake.ring({ attributes: { customer: 'C-1042' } });
    else if (word === 'cut') fake.cut();
    else if (last && ['end', 'miss', 'answered'].includes(word)) fake[word](last);
  });
}
