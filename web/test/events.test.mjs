// What a change of the daemon's snapshots means to those who listen.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Log, agentEvents, agentState, backOff, contactEvents, gradeOf, qualityBetween, rings, scoreOf } from '../offhook.js';

const contact = (given) => ({ id: '1', direction: 'inbound', state: 'connecting', held: false, muted: false, ...given });
const agent = (given) => ({ name: 'alice', status: 'Available', status_kind: 'routable', status_since: 1, activity: 'available', ...given });

test('a call that rings, is taken, ends and is cleared tells each of it once', () => {
  const told = [];
  let before = null;
  for (const after of [contact(), contact({ state: 'connected' }), contact({ state: 'connected', held: true }), contact({ state: 'connected' }), contact({ state: 'ended' }), null]) {
    told.push(contactEvents(before, after));
    before = after;
  }
  assert.deepEqual(told, [
    ['init', 'connecting'], ['refresh', 'accepted', 'connected'], ['refresh', 'held'], ['refresh', 'resumed'],
    ['refresh', 'acw', 'ended'], ['destroyed'],
  ]);
});

test('a callback is incoming, then pending, then connecting, then connected, and accepted once', () => {
  const steps = ['incoming', 'pending', 'connecting', 'connected'].map((state) => contact({ direction: 'callback', state }));
  const told = steps.flatMap((after, at) => contactEvents(steps[at - 1] ?? null, after)).filter((name) => name !== 'refresh');
  assert.deepEqual(told, ['init', 'incoming', 'accepted', 'pending', 'connecting', 'connected']);
});

test('a miss tells error, missed and ended in this order; a failure no miss', () => {
  assert.deepEqual(contactEvents(contact(), contact({ state: 'missed' })), ['refresh', 'error', 'missed', 'ended']);
  assert.deepEqual(contactEvents(contact(), contact({ state: 'error' })), ['refresh', 'error', 'ended']);
});

test('an answered call of ours was accepted by nobody here', () => {
  const dialled = contact({ direction: 'outbound' });
  assert.deepEqual(contactEvents(dialled, { ...dialled, state: 'connected' }), ['refresh', 'connected']);
});

test('a contact that vanishes while it lives has ended all the same', () => {
  assert.deepEqual(contactEvents(contact({ state: 'connected' }), null), ['ended', 'destroyed']);
  assert.deepEqual(contactEvents(null, null), []);
});

test('after a reload the panel is told of what is there, held and muted included', () => {
  assert.deepEqual(contactEvents(null, contact({ state: 'connected', held: true, muted: true })), ['init', 'connected', 'held', 'muted']);
});

test('the ring tone belongs to incoming and connecting alone, and never to calls of our own', () => {
  const ringing = ['incoming', 'pending', 'connecting', 'connected', 'missed', 'error', 'ended'].filter((state) => rings(contact({ state })));
  assert.deepEqual(ringing, ['incoming', 'connecting']);
  assert.equal(rings(contact({ direction: 'outbound' })), false);
  assert.equal(rings(contact({ accepting: true })), false);
  assert.equal(rings(null), false);
});

test('the state is the status until there is a contact in hand', () => {
  const names = ['available', 'incoming', 'on_contact', 'acw', 'missed', 'error'].map((activity) => agentState(agent({ activity })).name);
  assert.deepEqual(names, ['Available', 'PendingBusy', 'Busy', 'AfterCallWork', 'MissedCallAgent', 'Error']);
  assert.equal(agentState(agent({ activity: 'on_contact' }), [contact({ direction: 'outbound' })]).name, 'CallingCustomer');
  assert.deepEqual(agentState(agent({ activity: 'custom', status: 'Lunch', status_kind: 'custom' })), { name: 'Lunch', type: 'custom', since: 1, activity: 'custom' });
});

test('being routable, offline and at work after a call are told with the change of state, and nothing without one', () => {
  const [ready, away, busy, after, missed] = [
    {}, { activity: 'offline', status: 'Offline', status_kind: 'offline' }, { activity: 'on_contact' }, { activity: 'acw' }, { activity: 'missed' },
  ].map((given) => agentState(agent(given)));
  assert.deepEqual(agentEvents(away, ready), ['stateChange', 'routable']);
  assert.deepEqual(agentEvents(ready, away), ['stateChange', 'offline']);
  assert.deepEqual(agentEvents(ready, busy), ['stateChange']);
  assert.deepEqual(agentEvents(busy, after), ['stateChange', 'afterCallWork']);
  assert.deepEqual(agentEvents(ready, missed), ['stateChange', 'error']);
  assert.deepEqual(agentEvents(ready, { ...ready }), []);
});

test('attempts to reconnect grow apart up to ten seconds and do not fall together', () => {
  assert.equal(backOff(0, 0), 125);
  assert.equal(backOff(0, 1), 250);
  assert.ok(backOff(3, 0) > backOff(1, 1));
  assert.equal(backOff(500, 1), 10000);
});

test('what is heard gets a grade: losses and delay make it worse, nothing heard is no grade', () => {
  const fine = { rtt_ms: 40, jitter_ms: 5, loss: 0, packets: 50 };
  assert.equal(gradeOf(fine), 'good');
  assert.equal(gradeOf({ ...fine, loss: 0.02 }), 'fair');
  assert.equal(gradeOf({ ...fine, loss: 0.2 }), 'poor');
  assert.equal(gradeOf({ ...fine, rtt_ms: 1400 }), 'poor');
  assert.equal(gradeOf({ ...fine, packets: 0 }), 'none');
  assert.ok(scoreOf(fine) > 4.2 && scoreOf(fine) < 4.5);
});

test('quality is of the time between two readings, and the worse direction counts', () => {
  const reading = { received: 100, lost: 10, jitter: 0.004, rtt: 0.03, level: 0.2, heard: 0.1 };
  const next = { ...reading, received: 195, lost: 15 };
  assert.equal(qualityBetween(reading, next).loss, 0.05);
  assert.equal(qualityBetween(reading, { ...next, remoteLoss: 0.3 }).loss, 0.3);
  assert.equal(qualityBetween(null, { ...reading, lost: 0 }).packets, 100);
  assert.equal(qualityBetween(reading, next).rtt_ms, 30);
});

test('the log keeps its newest entries, by level, as lines of JSON', () => {
  const log = new Log({ console: null });
  for (let at = 0; at < 6000; at += 1) log.info('test', `entry ${at}`);
  log.error('test', 'a fault', new TypeError('of this kind'));
  assert.equal(log.entries().length, 5000);
  assert.equal(log.entries({ level: 'ERROR' }).length, 1);
  assert.equal(JSON.parse(log.text({ level: 'ERROR' })).exception, 'TypeError: of this kind');
});
