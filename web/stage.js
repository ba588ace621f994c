// The middle of the page: what is going on with contacts right now, and what can be done about it. Decides nothing by itself.
import { button, clock, h, icon, iconButton, spaced, timer } from './dom.js';
import { gradeOf } from './offhook.js';
import { has, t } from './texts.js';

const KEYS = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '0', '#'];
const LETTERS = { 2: 'ABC', 3: 'DEF', 4: 'GHI', 5: 'JKL', 6: 'MNO', 7: 'PQRS', 8: 'TUV', 9: 'WXYZ', 0: '+' };

/** How a contact looks: its state, told apart by what an agent can do about it. */
export function lookOf(contact) {
  const { state, direction, held } = contact.snapshot;
  if (state === 'connecting') return direction === 'inbound' ? (contact.isAccepting ? 'accepting' : 'ringing') : 'dialling';
  if (state === 'connected') return held ? 'held' : 'connected';
  return state === 'incoming' && contact.isAccepting ? 'pending' : state;
}

const RANK = ['ringing', 'incoming', 'accepting', 'pending', 'dialling', 'connected', 'held', 'missed', 'error', 'ended'];

/** The contact that matters first: what rings, then what is talked to. */
export function inOrder(contacts) {
  return [...contacts].sort((one, other) => RANK.indexOf(lookOf(one)) - RANK.indexOf(lookOf(other)) || other.snapshot.since - one.snapshot.since);
}

export function titleOf(contact) {
  return contact.getName() || spaced(contact.getNumber()) || t('number.unknown');
}

export function audioOf(contact) {
  if (contact.snapshot.state !== 'connected') return null;
  const state = contact.getAudioState();
  if (state === 'connected') return contact.quality ? gradeOf(contact.quality) : 'good';
  return state === 'none' ? null : state;
}

/** Everything that a drawing depends on, apart from the time. */
export function signature(agent, view) {
  const contacts = agent.getContacts().map((one) => [{ ...one.snapshot, offer: 0, answer: 0 }, lookOf(one), one.isAccepting, audioOf(one)]);
  return JSON.stringify([contacts, agent.getSnapshot(), agent.getCallerIds(), agent.getQuickConnects(), view.panel, view.panel?.name === 'transfer' || view.panel?.name === 'consult' ? agent.getAgents() : 0, view.fault, view.isDialpadOpen, view.callerId]);
}

export function stage(agent, view, act) {
  const contacts = inOrder(agent.getContacts());
  const [main, ...others] = contacts;
  const canDial = !contacts.some((one) => one.isLive() || ['missed', 'error'].includes(one.snapshot.state));
  return [
    main ? contactCard(main, { agent, view, act }) : idleCard(agent, view, act),
    ...others.map((one) => partyCard(one, { agent, act })),
    canDial && dialCard(agent, view, act),
  ];
}

function fault(view) {
  return view.fault && h('p', { class: 'fault', role: 'alert', text: view.fault });
}

function idleCard(agent, view, act) {
  const { type } = agent.getState();
  const kind = ['routable', 'custom', 'offline'].includes(type) ? type : 'custom';
  const routable = agent.getStates().find((one) => one.kind === 'routable');
  const go = kind !== 'routable' && routable && button(t('idle.go'), { kind: 'primary', icon: 'check', key: 'go' }, () => act(() => agent.setState(routable.name)));
  return h('section', { class: `card idle is-${kind}`, 'aria-labelledby': 'idle-title' },
    h('h1', { id: 'idle-title', class: 'headline', text: t(`idle.${kind}`) }),
    h('p', { class: 'lead', text: t(`idle.${kind}.more`) }),
    go && h('div', { class: 'actions' }, go),
    fault(view));
}

function dialCard(agent, view, act) {
  const input = h('input', {
    id: 'number', type: 'tel', autocomplete: 'off', placeholder: t('dial.hint'), 'data-key': 'number', value: view.number,
    on: { input: ({ target }) => { view.number = target.value; } },
  });
  const call = () => {
    if (!view.number.trim()) return input.focus();
    return act(async () => { await agent.dial(view.number.trim(), { callerId: view.callerId || undefined }); view.number = ''; });
  };
  const ids = agent.getCallerIds();
  const press = (key) => { view.number += key; input.value = view.number; };
  return h('section', { class: 'card dial', 'aria-labelledby': 'dial-title' },
    h('h2', { id: 'dial-title', class: 'subtitle', text: t('dial.title') }),
    h('form', { class: 'dial-line', on: { submit: (event) => { event.preventDefault(); call(); } } },
      h('label', { class: 'hidden', for: 'number', text: t('dial.label') }), input,
      iconButton(t('dial.keys'), 'keypad', { key: 'dialpad', 'aria-expanded': String(view.isDialpadOpen) }, () => { view.isDialpadOpen = !view.isDialpadOpen; view.changed(); }),
      h('button', { type: 'submit', class: 'button primary', 'data-key': 'call' }, icon('phone'), h('span', { class: 'label', text: t('dial.call') }))),
    view.isDialpadOpen && keypad(press, [iconButton(t('dial.erase'), 'erase', { key: 'erase' }, () => { view.number = view.number.slice(0, -1); input.value = view.number; })]),
    ids.length > 1 && h('div', { class: 'caller-id' },
      h('label', { for: 'caller-id', text: t('dial.caller_id') }),
      h('select', { id: 'caller-id', 'data-key': 'caller-id', value: view.callerId || ids[0], on: { change: ({ target }) => { view.callerId = target.value; } } },
        ids.map((one) => h('option', { value: one, text: spaced(one), selected: one === view.callerId })))));
}

function keypad(press, more = []) {
  return h('div', { class: 'keypad', role: 'group', 'aria-label': t('do.keypad') },
    KEYS.map((key) => h('button', { type: 'button', class: 'key', 'data-key': `key ${key}`, on: { click: () => press(key) } },
      h('span', { text: key }), h('small', { 'aria-hidden': 'true', text: LETTERS[key] ?? '' }))),
    more);
}

function contactCard(contact, { agent, view, act }) {
  const look = lookOf(contact);
  const title = titleOf(contact);
  const number = spaced(contact.getNumber());
  const audio = audioOf(contact);
  return h('section', { class: `card contact is-${look}`, 'aria-labelledby': 'contact-title', 'data-contact': contact.id, 'data-look': look },
    stateLine(contact, agent),
    h('h1', { id: 'contact-title', class: 'headline', text: title }),
    title !== number && number && h('p', { class: 'number', text: number }),
    more(contact, look),
    facts(contact, look),
    audio && h('p', { class: `audio is-${audio}`, 'data-audio': audio }, h('span', { class: 'dot' }), t(`audio.${audio}`)),
    h('div', { class: 'actions' }, actions(contact, look, agent, act)),
    ['connected', 'held'].includes(look) && tools(contact, look, { view, act }),
    view.panel?.contact === contact.id && panel(contact, { agent, view, act }),
    fault(view));
}

function stateLine(contact, agent) {
  const look = lookOf(contact);
  const until = look === 'ended' ? contact.getAcwUntil() : null;
  const since = look === 'connected' || look === 'held' ? agent.now() - contact.getDuration() : contact.snapshot.since;
  return h('p', { class: 'state' }, h('span', { class: 'dot' }), h('span', { class: 'state-name', text: t(look === 'connected' && contact.getConsulted() ? 'state.consulting' : `state.${look}`) }),
    timer(until ? { until } : { since }, agent.now(), until ? { 'aria-label': t('fact.left') } : {}));
}

function more(contact, look) {
  const text = look === 'ended' ? t(contact.getAcwUntil() ? 'acw.more' : 'acw.unlimited')
    : look === 'missed' ? t('missed.more')
      : look === 'error' ? [causeText(contact.getEnd()), t('error.more')].filter(Boolean).join(' ') : null;
  return text && h('p', { class: 'lead', text });
}

/** Ours where we have a word for it, else the daemon's. */
function causeText(end) {
  return end && has(`cause.${end.cause}`) ? t(`cause.${end.cause}`) : end?.text;
}

function facts(contact, look) {
  const isOver = ['ended', 'missed', 'error'].includes(look);
  const cause = contact.getEnd()?.cause;
  const rows = [
    [t('fact.queue'), contact.getQueue()],
    // A colleague sees no caller ID.
    [t(contact.isInbound() ? 'fact.called' : 'fact.shown'), /^(agent|queue):/.test(contact.getNumber() ?? '') ? null : spaced(contact.getOwnNumber())],
    [t('fact.waited'), contact.getWaited() !== null && contact.getWaited() !== undefined ? clock(contact.getWaited()) : null],
    [t('fact.talked'), isOver && contact.getDuration() > 0 ? clock(contact.getDuration()) : null],
    [t('fact.ended'), look === 'ended' && cause && cause !== 'normal' ? causeText(contact.getEnd()) : null],
  ];
  // What a flow or an engine has found out about the customer: names are theirs, and stay as they are.
  const attributes = Object.entries(contact.getAttributes()).slice(0, 20).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]);
  const shown = [...rows, ...attributes].filter(([, value]) => value);
  return shown.length > 0 && h('dl', { class: 'facts' }, shown.map(([name, value]) => h('div', {}, h('dt', { text: name }), h('dd', { text: value }))));
}

function actions(contact, look, agent, act) {
  const accept = button(t('do.accept'), { kind: 'primary', icon: 'phone', key: 'accept', shortcut: 'Alt+A' }, () => act(() => contact.accept()));
  const reject = button(t('do.reject'), { kind: 'danger-quiet', icon: 'end', key: 'end', shortcut: 'Alt+X' }, () => act(() => contact.reject()));
  const end = (name, kind) => button(t(name), { kind, icon: 'end', key: 'end', shortcut: 'Alt+X' }, () => act(() => contact.hangUp()));
  const clear = button(t('do.clear'), { kind: 'primary', icon: 'check', key: 'clear', shortcut: 'Alt+C' }, () => act(() => contact.clear()));
  const isConsulting = contact.getConsulted() && agent.getContact(contact.getConsulted())?.isLive();
  const complete = button(t('do.complete'), { kind: 'primary', icon: 'transfer', key: 'complete' }, () => act(() => contact.complete()));
  switch (look) {
    case 'ringing':
    case 'incoming': return [accept, reject];
    case 'accepting':
    case 'pending': return [end('do.end', 'danger-quiet')];
    case 'dialling': return [end(isConsulting ? 'do.leave_consult' : 'do.cancel', 'danger')];
    case 'connected': return isConsulting ? [complete, end('do.leave_consult', 'danger-quiet')] : [end('do.end', 'danger')];
    case 'held': return [resume(contact, act, 'primary'), end('do.end', 'danger-quiet')];
    default: return [clear];
  }
}

function resume(contact, act, kind) {
  return button(t('do.resume'), { kind, icon: 'play', key: `hold ${contact.id}`, shortcut: 'Alt+H' }, () => act(() => contact.resume()));
}

function tools(contact, look, { view, act }) {
  const open = (name) => () => {
    view.panel = view.panel?.name === name && view.panel.contact === contact.id ? null : { name, contact: contact.id, search: '', sent: '' };
    view.changed();
    if (name !== 'keypad') document.getElementById('target')?.focus();
  };
  const tool = (name, picture, isOn, click, rest = {}) => button(name, { kind: `tool${isOn ? ' is-on' : ''}`, icon: picture, ...rest }, click);
  const isOpen = (name) => view.panel?.name === name && view.panel.contact === contact.id;
  const muted = contact.isMuted();
  return h('div', { class: 'tools' },
    look === 'connected' && tool(t('do.hold'), 'pause', false, () => act(() => contact.hold()), { key: `hold ${contact.id}`, shortcut: 'Alt+H' }),
    tool(t(muted ? 'do.unmute' : 'do.mute'), muted ? 'muted' : 'mic', muted, () => act(() => (muted ? contact.unmute() : contact.mute())), { key: 'mute', shortcut: 'Alt+M' }),
    look === 'connected' && tool(t('do.keypad'), 'keypad', isOpen('keypad'), open('keypad'), { key: 'keypad', shortcut: 'Alt+K', 'aria-expanded': String(isOpen('keypad')) }),
    !contact.getConsulted() && tool(t('do.transfer'), 'transfer', isOpen('transfer'), open('transfer'), { key: 'transfer', 'aria-expanded': String(isOpen('transfer')) }),
    !contact.getConsulted() && tool(t('do.consult'), 'consult', isOpen('consult'), open('consult'), { key: 'consult', 'aria-expanded': String(isOpen('consult')) }));
}

function panel(contact, { agent, view, act }) {
  if (view.panel.name === 'keypad') {
    return h('div', { class: 'panel' },
      keypad((key) => sendKey(contact, key, { view, act })),
      h('p', { class: 'sent', 'data-sent': true, text: view.panel.sent ? t('keypad.sent', { digits: view.panel.sent }) : '\u00a0' }));
  }
  const { name } = view.panel;
  const list = h('ul', { class: 'rows targets' });
  const choose = (to) => act(async () => {
    await (name === 'transfer' ? contact.transfer(to) : contact.consult(to));
    view.panel = null;
  });
  const show = () => list.replaceChildren(...targetRows(agent, view.panel.search, choose));
  show();
  return h('div', { class: 'panel', role: 'group', 'aria-label': t(`target.${name}`) },
    h('label', { class: 'subtitle', for: 'target', text: t(`target.${name}`) }),
    h('input', {
      id: 'target', type: 'text', autocomplete: 'off', placeholder: t('target.search'), 'data-key': 'target', value: view.panel.search,
      on: {
        input: ({ target }) => { view.panel.search = target.value; show(); },
        keydown: (event) => { if (event.key === 'Enter') list.querySelector('button')?.click(); },
      },
    }),
    list);
}

/** A key goes out at once; what was sent is shown, so that nobody has to count. */
export function sendKey(contact, key, { view, act }) {
  view.panel.sent = `${view.panel.sent}${key}`.slice(-24);
  const shown = document.querySelector('[data-sent]');
  if (shown) shown.textContent = t('keypad.sent', { digits: view.panel.sent });
  act(() => contact.dtmf(key));
}

function targetRows(agent, search, choose) {
  const wanted = search.trim().toLowerCase();
  const quick = agent.getQuickConnects().map((one) => ({ name: one.name, to: one.to, more: one.kind === 'number' ? spaced(one.to) : t(`kind.${one.kind}`), look: one.kind === 'queue' ? 'queue' : one.kind === 'agent' ? 'person' : 'phone' }));
  const known = new Set(quick.map((one) => one.to));
  const colleagues = agent.getAgents().filter((one) => one.name !== agent.getName() && !known.has(`agent:${one.name}`) && one.activity !== 'offline')
    .map((one) => ({ name: one.name, to: `agent:${one.name}`, more: t(`activity.${one.activity}`), look: 'person' }));
  const found = [...quick, ...colleagues].filter((one) => !wanted || one.name.toLowerCase().includes(wanted) || one.to.toLowerCase().includes(wanted));
  const number = search.replace(/[\s().-]/g, '');
  if (/^\+?[\d*#]{2,}$/.test(number)) found.unshift({ name: t('target.dial', { number: search.trim() }), to: number, more: '', look: 'phone' });
  if (found.length === 0) return [h('li', { class: 'empty', text: t('target.none') })];
  return found.map((one) => h('li', {}, h('button', { type: 'button', class: 'row', 'data-key': `to ${one.to}`, on: { click: () => choose(one.to) } },
    icon(one.look), h('span', { class: 'row-name', text: one.name }), h('span', { class: 'row-more', text: one.more }))));
}

function partyCard(contact, { agent, act }) {
  const look = lookOf(contact);
  return h('section', { class: `card party is-${look}`, 'aria-label': titleOf(contact), 'data-contact': contact.id, 'data-look': look },
    h('div', { class: 'party-who' }, stateLine(contact, agent), h('p', { class: 'party-name', text: titleOf(contact) })),
    h('div', { class: 'party-actions' },
      look === 'held' && resume(contact, act, 'quiet'),
      contact.isLive() && look !== 'ringing' && iconButton(t('do.end'), 'end', { key: `end ${contact.id}`, class: 'icon-button is-danger' }, () => act(() => contact.hangUp())),
      look === 'ringing' && button(t('do.accept'), { kind: 'primary', icon: 'phone', key: `accept ${contact.id}` }, () => act(() => contact.accept())),
      !contact.isLive() && button(t('do.clear'), { icon: 'check', key: `clear ${contact.id}` }, () => act(() => contact.clear()))));
}
