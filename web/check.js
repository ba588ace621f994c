// The connection test for helpdesks: what a call in this browser needs, one by one, as a table and as JSON to copy.
// `?autoRun=true` begins by itself, `?lng=ja` chooses the language.
import { Devices, Log } from './offhook.js';
import { button, h, say } from './dom.js';
import { startLanguage, t } from './texts.js';

const TIMES = 10;
const LISTEN = 4000;

startLanguage();
document.title = t('check.title');
const log = new Log();
const results = new Map();
const table = h('tbody');
const start = button(t('check.start'), { kind: 'primary', key: 'start' }, run);
const copy = button(t('check.copy'), { key: 'copy' }, copyResult);
copy.hidden = true;

const CHECKS = { browser, microphone, devices, latency, websocket, udp };

document.getElementById('page').replaceChildren(h('main', { class: 'check' },
  h('section', { class: 'card' },
    h('h1', { class: 'headline', text: t('check.title') }),
    h('p', { class: 'lead', text: t('check.lead') }),
    h('div', { class: 'actions' }, start, copy)),
  h('section', { class: 'card' }, h('table', { class: 'results', 'aria-label': t('check.title') }, table)),
  h('p', {}, h('a', { href: './', text: t('check.back') }))));

const wait = (milliseconds) => new Promise((next) => setTimeout(next, milliseconds));

function show(name, verdict, text, figures = {}) {
  results.set(name, { verdict, text, ...figures });
  draw();
}

function draw() {
  table.replaceChildren(...Object.keys(CHECKS).map((name) => {
    const found = results.get(name);
    return h('tr', { 'data-check': name, 'data-verdict': found?.verdict ?? 'untested' }, h('th', { scope: 'row', text: t(`check.${name}`) }), h('td', { text: found?.text ?? '' }),
      h('td', {}, h('span', { class: `verdict is-${found?.verdict ?? 'untested'}` }, h('span', { class: 'dot' }), t(`check.${found?.verdict ?? 'untested'}`))));
  }));
}

async function run() {
  results.clear();
  draw();
  start.disabled = true;
  start.querySelector('.label').textContent = t('check.running');
  for (const [name, check] of Object.entries(CHECKS)) {
    try { await check(name); } catch (error) { show(name, 'failure', t(`fault.${error.code ?? 'other'}`, { message: error.message })); }
  }
  start.disabled = false;
  start.querySelector('.label').textContent = t('check.again');
  copy.hidden = false;
  const worst = [...results.values()].some((one) => one.verdict === 'failure') ? 'failure' : 'success';
  say(`${t('check.title')}: ${t(`check.${worst}`)}`);
}

function browser(name) {
  const isAble = Boolean(window.RTCPeerConnection && navigator.mediaDevices && window.WebSocket && window.isSecureContext);
  show(name, isAble ? 'success' : 'failure', t(`check.browser.${isAble ? 'ok' : 'bad'}`));
}

async function microphone(name) {
  show(name, 'untested', t('check.speak'));
  let loudest = 0;
  const stop = await new Devices(log).meter((level) => { loudest = Math.max(loudest, level); });
  const end = Date.now() + LISTEN;
  while (Date.now() < end && loudest < 0.02) await wait(100);
  stop();
  const isHeard = loudest >= 0.005;
  show(name, isHeard ? 'success' : 'caution', t(`check.microphone.${isHeard ? 'ok' : 'quiet'}`), { level: Number(loudest.toFixed(4)) });
}

async function devices(name) {
  const all = await new Devices(log).list();
  const found = { microphones: all.microphone.length, speakers: all.speaker.length };
  show(name, found.microphones ? 'success' : 'failure', t('check.devices.found', found), found);
}

async function latency(name) {
  const times = [];
  // From the request to the first byte of the answer: opening a connection costs more than a round trip, and is not counted.
  for (let at = 0; at < TIMES; at += 1) {
    const url = new URL(`icon.svg?${at}`, location.href).href;
    performance.clearResourceTimings();
    try { await (await fetch(url, { cache: 'no-store' })).text(); } catch { return show(name, 'failure', t('check.latency.bad')); }
    const [entry] = performance.getEntriesByName(url);
    times.push(entry ? entry.responseStart - entry.requestStart : 0);
  }
  const rounded = (value) => Math.round(value);
  const figures = { average: rounded(times.reduce((sum, one) => sum + one, 0) / TIMES), least: rounded(Math.min(...times)), most: rounded(Math.max(...times)), times: TIMES };
  const verdict = figures.average < 200 ? 'success' : figures.average < 400 ? 'caution' : 'failure';
  return show(name, verdict, t('check.latency.figures', figures), figures);
}

async function websocket(name) {
  const begin = performance.now();
  const isOpen = await new Promise((done) => {
    const socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/agent`, 'offhook.agent.1');
    const late = setTimeout(() => done(false), 8000);
    socket.onopen = () => { clearTimeout(late); socket.onclose = null; socket.close(); done(true); };
    socket.onclose = () => { clearTimeout(late); done(false); };
  });
  const ms = Math.round(performance.now() - begin);
  show(name, isOpen ? 'success' : 'failure', isOpen ? t('check.websocket.ok', { ms }) : t('check.websocket.bad'), { ms });
}

// Nobody at the daemon answers checks outside of a call: what can be said here is whether the browser would send them at all.
async function udp(name) {
  const connection = new RTCPeerConnection();
  connection.addTransceiver('audio');
  let isAble = false;
  const done = new Promise((gathered) => {
    connection.onicecandidate = ({ candidate }) => {
      if (candidate?.protocol === 'udp') isAble = true;
      if (!candidate) gathered();
    };
  });
  await connection.setLocalDescription();
  await Promise.race([done, wait(5000)]);
  connection.close();
  show(name, isAble ? 'untested' : 'failure', t(isAble ? 'check.udp.open' : 'check.udp.not'));
}

async function copyResult() {
  const found = { at: new Date().toISOString(), page: location.origin, browser: navigator.userAgent, results: Object.fromEntries(results) };
  await navigator.clipboard.writeText(JSON.stringify(found, null, 2));
  copy.querySelector('.label').textContent = t('check.copied');
  setTimeout(() => { copy.querySelector('.label').textContent = t('check.copy'); }, 2000);
}

draw();
if (new URLSearchParams(location.search).get('autoRun') === 'true') run();
