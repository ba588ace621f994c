// Beside the stage: quick connects, colleagues and history, each a list of whom one may call.
import { clock, h, icon, iconButton, spaced } from './dom.js';
import { currentLanguage, t } from './texts.js';

const TABS = ['quick', 'agents', 'history'];

export function signature(agent, view) {
  const live = agent.getContacts().map((one) => [one.id, one.snapshot.state, one.snapshot.held, one.snapshot.consults]);
  const shown = { quick: agent.getQuickConnects(), agents: agent.getAgents(), history: agent.getHistory() }[view.tab];
  return JSON.stringify([view.tab, shown, live, agent.getName(), agent.getConnection()]);
}

export function side(agent, view, act) {
  const choose = (name) => { view.tab = name; view.changed(); document.querySelector(`[data-key="tab ${name}"]`)?.focus(); };
  const step = (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    choose(TABS[(TABS.indexOf(view.tab) + by + TABS.length) % TABS.length]);
  };
  const tabs = TABS.map((name) => h('button', {
    type: 'button', class: 'tab', role: 'tab', id: `tab-${name}`, 'data-key': `tab ${name}`, 'aria-selected': String(name === view.tab), 'aria-controls': 'side-list',
    tabindex: name === view.tab ? '0' : '-1', on: { click: () => choose(name) }, text: t(`side.${name}`),
  }));
  const rows = { quick: quickRows, agents: agentRows, history: historyRows }[view.tab](agent, view, act);
  const list = rows.length ? h('ul', { class: 'rows' }, rows) : h('p', { class: 'empty', text: t(`side.${view.tab}.none`) });
  return [
    h('div', { class: 'tabs', role: 'tablist', 'aria-label': t('side.title'), on: { keydown: step } }, tabs),
    h('div', { id: 'side-list', class: 'side-list', role: 'tabpanel', 'aria-labelledby': `tab-${view.tab}`, tabindex: '0' }, list),
  ];
}

/** What can be done with somebody: called while nothing else is, else consulted or given the contact. */
function doors(agent, { name, to, canDial }, act) {
  const contacts = agent.getContacts();
  const talking = contacts.find((one) => one.snapshot.state === 'connected' && !one.getConsulted());
  const isConsulting = contacts.some((one) => one.isLive() && one.getConsulted());
  if (talking && !isConsulting) {
    return [
      iconButton(`${t('do.consult')}: ${name}`, 'consult', { key: `consult ${to}` }, () => act(() => talking.consult(to))),
      iconButton(`${t('do.transfer')}: ${name}`, 'transfer', { key: `transfer ${to}` }, () => act(() => talking.transfer(to))),
    ];
  }
  const isFree = !contacts.some((one) => one.isLive() || ['missed', 'error'].includes(one.snapshot.state));
  return canDial && isFree ? [iconButton(t('side.call', { name }), 'phone', { key: `call ${to}` }, () => act(() => agent.dial(to)))] : [];
}

function row({ look, name, more, after, doors: buttons }) {
  return h('li', { class: 'row' }, look, h('span', { class: 'row-text' },
    h('span', { class: 'row-line' }, h('span', { class: 'row-name', text: name }), after && h('span', { class: 'row-after', text: after })),
    h('span', { class: 'row-more', text: more })), h('span', { class: 'row-doors' }, buttons));
}

function quickRows(agent, view, act) {
  return agent.getQuickConnects().map((one) => row({
    look: icon({ queue: 'queue', agent: 'person', number: 'phone' }[one.kind]), name: one.name,
    more: one.kind === 'number' ? spaced(one.to) : t(`kind.${one.kind}`),
    doors: doors(agent, { name: one.name, to: one.to, canDial: one.kind === 'number' }, act),
  }));
}

function agentRows(agent, view, act) {
  return agent.getAgents().filter((one) => one.name !== agent.getName()).map((one) => row({
    look: h('span', { class: `dot is-${one.activity}` }), name: one.name,
    more: one.activity === 'custom' ? one.status : t(`activity.${one.activity}`),
    doors: one.activity === 'offline' ? [] : doors(agent, { name: one.name, to: `agent:${one.name}`, canDial: false }, act),
  }));
}

function historyRows(agent, view, act) {
  return agent.getHistory().map((one) => {
    const isMissed = ['missed', 'rejected', 'unanswered', 'error'].includes(one.outcome);
    const picture = isMissed && one.direction === 'inbound' ? 'missed' : one.direction === 'inbound' ? 'inbound' : 'outbound';
    const shown = spaced(one.number) || t('number.unknown');
    const canDial = /^\+?\d+$/.test(one.number ?? '');
    const kind = t(isMissed ? `call.${one.outcome}` : `call.${one.direction}`);
    return row({
      look: h('span', { class: isMissed ? 'is-missed' : 'is-taken' }, icon(picture)), name: shown,
      more: [kind, one.queue, one.duration_ms > 0 ? clock(one.duration_ms) : null].filter(Boolean).join(' · '),
      after: timeOf(one.at),
      doors: canDial ? doors(agent, { name: shown, to: one.number, canDial }, act) : [],
    });
  });
}

/** The time of today, the day of earlier. */
function timeOf(at) {
  const date = new Date(at);
  const isToday = date.toDateString() === new Date().toDateString();
  const parts = isToday ? { hour: '2-digit', minute: '2-digit' } : { month: 'short', day: 'numeric' };
  return new Intl.DateTimeFormat(currentLanguage(), parts).format(date);
}
