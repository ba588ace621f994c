// The softphone page: puts the agent on the screen and the user's wishes to the agent.
import { Agent, Log } from './offhook.js';
import { button, fill, h, icon, iconButton, say, spaced, tick, timer } from './dom.js';
import { settings } from './settings.js';
import * as sides from './side.js';
import * as stages from './stage.js';
import { currentLanguage, chooseLanguage, has, startLanguage, t } from './texts.js';

startLanguage();

const log = new Log();
const agent = new Agent({ log, language: currentLanguage() });
const view = { number: '', callerId: '', panel: null, fault: '', tab: 'quick', isDialpadOpen: false, isBlocked: false, left: null, changed: () => draw() };
const page = document.getElementById('page');
let parts = null;
let drawn = {};

// -- drawing

function draw() {
  if (agent.getConnection() === 'offline') return;
  if (!agent.getSnapshot()) return;
  if (!parts) build();
  const look = {
    bar: JSON.stringify([agent.getSnapshot(), agent.getState(), agent.getStates(), agent.getConnection(), networkGrade()]),
    banners: JSON.stringify([agent.getConnection(), agent.isAudioOwner(), view.isBlocked]),
    stage: stages.signature(agent, view),
    side: sides.signature(agent, view),
  };
  const drawings = { bar, banners, stage: () => stages.stage(agent, view, act), side: () => sides.side(agent, view, act) };
  for (const [name, draws] of Object.entries(drawings)) {
    if (drawn[name] === look[name]) continue;
    drawn[name] = look[name];
    fill(parts[name], ...[draws()].flat());
  }
  refreshTitle();
}

function build() {
  drawn = {};
  parts = {
    bar: h('header', { class: 'bar' }), banners: h('div', { class: 'banners' }),
    stage: h('main', { class: 'stage' }), side: h('aside', { class: 'side', 'aria-label': t('side.title') }),
  };
  page.replaceChildren(parts.bar, parts.banners, h('div', { class: 'columns' }, parts.stage, parts.side));
}

function bar() {
  const state = agent.getState();
  const snapshot = agent.getSnapshot();
  const next = agent.getNextState();
  const statuses = agent.getStates();
  const shownName = (name) => (has(`status.${name.toLowerCase()}`) ? t(`status.${name.toLowerCase()}`) : name);
  const select = h('select', { id: 'status', 'data-key': 'status', on: { change: ({ target }) => act(() => agent.setState(target.value)).finally(() => { target.value = agent.getStatus(); }) } },
    statuses.map((one) => h('option', { value: one.name, text: shownName(one.name), selected: one.name === snapshot.status })));
  const network = networkGrade();
  return [
    h('div', { class: 'bar-status' },
      h('span', { class: `status is-${state.activity}` }, h('span', { class: 'dot' }), h('label', { class: 'hidden', for: 'status', text: t('status.label') }), select,
        timer({ since: snapshot.status_since }, agent.now())),
      next && h('span', { class: 'next' }, h('span', { text: t('status.next', { name: shownName(next) }) }),
        iconButton(t('status.cancel_next'), 'close', { key: 'cancel-next', class: 'icon-button is-small' }, () => act(() => agent.cancelNextState())))),
    h('div', { class: 'bar-more' },
      h('span', { class: `network is-${network}`, 'data-network': network, role: 'img', 'aria-label': t(`network.${network}`), title: networkTitle() },
        h('span', { class: 'bars' }, h('i'), h('i'), h('i'))),
      h('span', { class: 'who', text: agent.getName() }),
      iconButton(t('settings.open'), 'settings', { key: 'settings' }, openSettings)),
  ];
}

function networkGrade() {
  if (agent.getConnection() !== 'online') return 'lost';
  const ms = agent.latency ?? 0;
  return ms < 200 ? 'good' : ms < 500 ? 'fair' : 'poor';
}

function networkTitle() {
  return [t(`network.${networkGrade()}`), agent.latency ? t('network.ms', { ms: Math.round(agent.latency) }) : ''].filter(Boolean).join(' · ');
}

function banners() {
  const banner = (name, text, door, click) => h('div', { class: `banner is-${name}`, role: 'status' }, h('p', { text }), door && button(door, { key: name }, click));
  return [
    agent.getConnection() !== 'online' && banner('lost', t('banner.lost'), t('banner.reconnect'), () => agent.reconnect()),
    agent.getConnection() === 'online' && !agent.isAudioOwner() && banner('audio', t('banner.audio_elsewhere'), t('banner.take_audio'), () => agent.takeAudio()),
    view.isBlocked && banner('blocked', t('banner.blocked'), t('banner.unblock'), unblock),
    !window.isSecureContext && banner('insecure', t('banner.insecure')),
  ];
}

function unblock() {
  view.isBlocked = false;
  agent.unblock();
  draw();
}

function refreshTitle() {
  const ringing = agent.getContacts().find((one) => one.isRinging());
  const name = t(`state.${ringing ? 'ringing' : 'connected'}`);
  const [first] = stages.inOrder(agent.getContacts());
  document.title = first?.isLive() ? `${ringing ? '● ' : ''}${name}: ${stages.titleOf(first)}` : `${agent.getState().name === 'Init' ? '' : `${agent.getStatus()} – `}offhook`;
}

// -- what the user does

/** Does it and shows why when it does not work. */
async function act(what) {
  view.fault = '';
  try { await what(); } catch (error) {
    const key = has(`fault.${error.code}`) ? `fault.${error.code}` : 'fault.other';
    view.fault = t(key, { message: error.message });
  }
  draw();
}

function openSettings() {
  settings(agent, {
    chosen: (language) => {
      chooseLanguage(language, { keep: true });
      drawn = {};
      parts = null;
      draw();
    },
    leave: () => act(() => agent.logout()),
  });
}

const SHORTCUTS = { KeyA: ['accept', 'call'], KeyX: ['end'], KeyH: ['hold'], KeyM: ['mute'], KeyK: ['keypad'], KeyC: ['clear'] };

function pressed(event) {
  if (event.altKey && !event.ctrlKey && !event.metaKey && SHORTCUTS[event.code] && parts) {
    const keys = SHORTCUTS[event.code];
    const found = keys.map((key) => parts.stage.querySelector(`[data-key="${key}"], [data-key^="${key} "]`)).find(Boolean);
    if (found) { event.preventDefault(); found.click(); }
    return;
  }
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.key === 'Escape' && view.panel) { view.panel = null; draw(); return; }
  const isWriting = event.target.closest?.('input, select, textarea, dialog');
  if (isWriting || view.panel?.name !== 'keypad' || !/^[0-9*#A-Da-d]$/.test(event.key)) return;
  const contact = agent.getContact(view.panel.contact);
  if (contact) stages.sendKey(contact, event.key.toUpperCase(), { view, act });
}

// -- signing in

function drawLogin() {
  parts = null;
  document.title = 'offhook';
  const fault = h('p', { class: 'fault', role: 'alert', text: view.left ?? '', hidden: !view.left });
  const field = (name, type, autocomplete) => h('div', { class: 'field' }, h('label', { for: name, text: t(`login.${name}`) }),
    h('input', { id: name, name, type, autocomplete, required: true, autocapitalize: 'none', spellcheck: 'false' }));
  const enter = h('button', { type: 'submit', class: 'button primary wide', text: t('login.enter') });
  const form = h('form', { class: 'card login' },
    h('div', { class: 'brand' }, h('img', { src: 'icon.svg', alt: '', width: '40', height: '40' }), h('h1', { class: 'headline', text: t('login.title') })),
    field('user', 'text', 'username'), field('password', 'password', 'current-password'), fault, enter,
    h('p', { class: 'login-more' }, h('a', { href: 'check', text: t('login.check') }), languages()));
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    Object.assign(enter, { disabled: true, textContent: t('login.busy') });
    fault.hidden = true;
    try {
      await agent.login({ user: form.elements.user.value.trim(), password: form.elements.password.value });
      view.left = null;
      draw();
    } catch (error) {
      fault.hidden = false;
      fault.textContent = t(has(`fault.${error.code}`) ? `fault.${error.code}` : 'fault.other', { message: error.message });
      Object.assign(enter, { disabled: false, textContent: t('login.enter') });
      form.elements.password.select();
    }
  });
  page.replaceChildren(h('main', { class: 'entrance' }, form));
  form.elements.user.focus();
}

function languages() {
  const other = currentLanguage() === 'ja' ? ['en', 'English'] : ['ja', '日本語'];
  return h('button', { type: 'button', class: 'link', lang: other[0], text: other[1], on: { click: () => { chooseLanguage(other[0], { keep: true }); drawLogin(); } } });
}

// -- what the agent tells

agent.on('refresh', draw);
agent.on('agents', draw);
agent.on('history', draw);
agent.on('audio', draw);
agent.on('latency', () => {
  draw();
  const shown = parts?.bar.querySelector('.network');
  if (shown) shown.title = networkTitle();
});
agent.on('connection', draw);
agent.on('playbackBlocked', () => { view.isBlocked = true; draw(); });
agent.on('ringBlocked', () => { view.isBlocked = true; draw(); });
agent.on('stateChange', ({ newState }) => { if (newState !== 'Init') say(stateText()); });
agent.on('contact', (contact) => {
  contact.on('quality', draw);
  contact.on('audio', draw);
  contact.on('connecting', () => announce(contact));
  contact.on('incoming', () => announce(contact));
  contact.on('ended', () => { if (view.panel?.contact === contact.id) view.panel = null; say('', { urgent: true }); });
  contact.on('destroyed', () => { view.fault = ''; if (view.panel?.contact === contact.id) view.panel = null; });
});
agent.on('loggedOut', (reason) => {
  view.left = t(has(`login.${reason}`) ? `login.${reason}` : 'login.expired');
  Object.assign(view, { panel: null, fault: '', number: '' });
  drawLogin();
});

function announce(contact) {
  if (!contact.isRinging()) return;
  const queue = contact.getQueue() ? `, ${t('say.queue', { queue: contact.getQueue() })}` : '';
  say(t('say.ringing', { number: contact.getName() || spaced(contact.getNumber()) || t('number.unknown') }) + queue, { urgent: true });
}

function stateText() {
  const { activity } = agent.getState();
  const [first] = stages.inOrder(agent.getContacts());
  return first ? t(`state.${stages.lookOf(first)}`) : t(`activity.${activity}`);
}

document.addEventListener('keydown', pressed);
setInterval(() => { if (parts) tick(page, agent.now()); }, 500);
page.replaceChildren(h('main', { class: 'entrance' }, icon('phone')));
if (await agent.restore()) draw();
else drawLogin();
// For integrators' consoles and for tests: the page keeps nothing from whoever sits before it.
window.offhook = agent;
