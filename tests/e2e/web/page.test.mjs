// The softphone's page and its library in Chromium, with real audio, before a daemon that is not one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openRig } from './rig.mjs';

async function desk(t, before) {
  const rig = await openRig();
  t.after(rig.close);
  const page = await rig.open('/?lng=en', before);
  await signIn(page);
  await page.locator('[data-key=go]').click();
  await page.locator('.idle.is-routable').waitFor();
  return { ...rig, page };
}

async function signIn(page) {
  await page.fill('#user', 'alice');
  await page.fill('#password', 'secret');
  await page.keyboard.press('Enter');
  await page.locator('.bar').waitFor();
}

const look = (page, which) => page.locator(`[data-look="${which}"]`).first().waitFor();
// What came in over the network and was decoded, as the browser measures it.
const isHeard = (page) => page.waitForFunction(() => window.offhook.getContacts()[0]?.quality?.heard > 0.01);
const asked = (fake, what) => fake.asked.filter((one) => one.do === what);

test('a call is accepted by a key and both hear each other; keys, hold and the end of it are told to the daemon', async (t) => {
  const { fake, far, page, faults } = await desk(t);
  const id = await fake.ring({ attributes: { customer: 'C-7' } });
  await look(page, 'ringing');
  await page.getByText('C-7').waitFor();
  await page.keyboard.press('Alt+A');
  await look(page, 'connected');
  await isHeard(page);
  await far.waitForFunction(async (name) => {
    const found = [...(await window.ends.get(name).getStats()).values()].find((one) => one.type === 'inbound-rtp');
    return found?.packetsReceived > 0 && found.audioLevel > 0.001;
  }, id);
  await page.keyboard.press('Alt+K');
  await page.locator('.keypad').waitFor();
  await page.keyboard.type('42#');
  await page.getByText('Sent: 42#').waitFor();
  await page.keyboard.press('Alt+M');
  await page.locator('[data-key=mute].is-on').waitFor();
  await page.keyboard.press('Alt+H');
  await look(page, 'held');
  await page.keyboard.press('Alt+H');
  await look(page, 'connected');
  await page.keyboard.press('Alt+X');
  await look(page, 'ended');
  await page.keyboard.press('Alt+C');
  await page.locator('.idle.is-routable').waitFor();
  assert.deepEqual(asked(fake, 'dtmf').map((one) => one.digits), ['4', '2', '#']);
  assert.deepEqual(asked(fake, 'mute').map((one) => one.on), [true]);
  assert.deepEqual(faults, []);
});

test('after a reload in the call the audio is there again, and the microphone is still muted', async (t) => {
  const { fake, page } = await desk(t);
  await fake.ring();
  await look(page, 'ringing');
  await page.locator('[data-key=accept]').click();
  await isHeard(page);
  await page.locator('[data-key=mute]').click();
  await page.locator('[data-key=mute].is-on').waitFor();
  await page.reload();
  await look(page, 'connected');
  await isHeard(page);
  await page.locator('[data-key=mute].is-on').waitFor();
  assert.equal(asked(fake, 'attach').length, 1);
  assert.ok(asked(fake, 'hello').at(-1).token, 'it came back by its token');
});

test('a connection that is lost comes back by itself, and the talk goes on', async (t) => {
  const { fake, page } = await desk(t);
  await fake.ring();
  await look(page, 'ringing');
  await page.locator('[data-key=accept]').click();
  await isHeard(page);
  fake.refuse = (one) => (one.do === 'hello' ? { code: 'draining' } : null);
  fake.cut();
  await page.locator('.banner.is-lost').waitFor();
  await look(page, 'connected');
  fake.refuse = null;
  await page.locator('.banner.is-lost').waitFor({ state: 'detached' });
  await isHeard(page);
  await page.locator('[data-key=end]').click();
  await look(page, 'ended');
});

test('a way of the audio that is lost is built anew', async (t) => {
  const { fake, far, page } = await desk(t);
  const id = await fake.ring();
  await look(page, 'ringing');
  await page.locator('[data-key=accept]').click();
  await isHeard(page);
  await far.evaluate((name) => window.ends.get(name).close(), id);
  await page.waitForFunction(() => window.offhook.getLog().text().includes('attached'));
  await isHeard(page);
});

test('the ring tone sounds while it rings, and never after', async (t) => {
  const { fake, page } = await desk(t, () => {
    window.sounding = 0;
    const Plain = window.AudioContext;
    window.AudioContext = class extends Plain {
      constructor(...given) { super(...given); window.sounding += 1; }
      close() { window.sounding -= 1; return super.close(); }
    };
  });
  const sounding = (count) => page.waitForFunction((wanted) => window.sounding === wanted, count);
  for (const end of ['miss', 'accept', 'remove']) {
    const id = await fake.ring();
    await look(page, 'ringing');
    await sounding(1);
    if (end === 'accept') await page.locator('[data-key=accept]').click();
    else fake[end](id);
    await sounding(0);
    if (end === 'accept') await look(page, 'connected');
    if (fake.contacts.has(id)) fake.remove(id);
    await page.locator('.idle').waitFor();
  }
});

test('without a microphone the call keeps ringing and the page says why', async (t) => {
  const { fake, page } = await desk(t, () => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'));
  });
  await fake.ring();
  await look(page, 'ringing');
  await page.locator('[data-key=accept]').click();
  await page.getByText('may not use the microphone').waitFor();
  await look(page, 'ringing');
  assert.equal(asked(fake, 'accept').length, 0);
});

test('a call of ours, a consultation in it, and the transfer that completes it', async (t) => {
  const { fake, page } = await desk(t);
  await page.fill('#number', '+81 3 5555 0001');
  await page.selectOption('#caller-id', '+81335550199');
  await page.locator('[data-key=call]').click();
  await look(page, 'dialling');
  // Early media: what the network says is heard before anybody answers.
  await isHeard(page);
  const [customer] = [...fake.contacts.keys()];
  fake.answered(customer);
  await look(page, 'connected');
  await page.locator('[data-key=consult]').click();
  await page.fill('#target', 'bob');
  await page.keyboard.press('Enter');
  await page.locator('.party.is-held').waitFor();
  const consulted = [...fake.contacts.keys()].at(-1);
  fake.answered(consulted);
  await page.locator('[data-key=complete]').click();
  await look(page, 'ended');
  assert.equal(asked(fake, 'dial')[0].caller_id, '+81335550199');
  assert.equal(asked(fake, 'consult')[0].to, 'agent:bob');
  assert.equal(asked(fake, 'complete')[0].contact, consulted);
});

test('the newest window has the audio, an older one may take it back, and it accepts by itself where that is wished', async (t) => {
  const { fake, page, open } = await desk(t);
  const second = await open('/?lng=en');
  await signIn(second);
  await page.locator('.banner.is-audio').waitFor();
  await page.locator('[data-key=audio]').click();
  await page.locator('.banner.is-audio').waitFor({ state: 'detached' });
  await second.locator('.banner.is-audio').waitFor();
  fake.changeAgent({ auto_accept: true });
  await page.waitForFunction(() => window.offhook.getSnapshot().auto_accept);
  await fake.ring();
  await look(page, 'connected');
  await isHeard(page);
  await look(second, 'connected');
  assert.equal(asked(fake, 'accept').length, 1);
});
