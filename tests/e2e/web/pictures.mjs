// Pictures of every state of the softphone's pages, and the faults that axe-core finds in them: `node pictures.mjs FOLDER [KIND …]`.
import { readFile } from 'node:fs/promises';
import { openRig } from './rig.mjs';

const [folder] = process.argv.slice(2);
const axe = await readFile(new URL('node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
const KINDS = [
  { name: 'wide-light-en', viewport: { width: 1280, height: 860 }, colorScheme: 'light', language: 'en' },
  { name: 'narrow-dark-ja', viewport: { width: 360, height: 780 }, colorScheme: 'dark', language: 'ja' },
  { name: 'wide-dark-ja', viewport: { width: 1280, height: 860 }, colorScheme: 'dark', language: 'ja' },
  { name: 'narrow-light-en', viewport: { width: 390, height: 844 }, colorScheme: 'light', language: 'en' },
];
// Which of them: all, unless their names follow.
const only = process.argv.slice(3);
let faults = 0;
for (const kind of KINDS.filter((one) => only.length === 0 || only.includes(one.name))) faults += await pictures(kind);
process.exitCode = faults ? 1 : 0;

async function pictures({ name, language, ...options }) {
  const rig = await openRig({ reducedMotion: 'reduce', ...options });
  const { fake } = rig;
  fake.extras.history = [
    { at: Date.now() - 600000, direction: 'inbound', number: '+819012345678', queue: 'support', duration_ms: 184000, outcome: 'answered' },
    { at: Date.now() - 4200000, direction: 'inbound', number: '+81312340001', queue: 'billing', duration_ms: 0, outcome: 'missed' },
    { at: Date.now() - 90000000, direction: 'outbound', number: '+14155550123', queue: null, duration_ms: 0, outcome: 'unanswered' },
  ];
  const page = await rig.open(`/?lng=${language}`);
  let found = 0;
  let at = 0;
  const shot = async (what) => {
    at += 1;
    await page.screenshot({ path: `${folder}/${name}-${String(at).padStart(2, '0')}-${what}.png`, fullPage: true });
    const width = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (width > 0) { found += 1; console.log(`${name} ${what}: wider than the screen by ${width}`); }
    // The policy of the page forbids foreign scripts; the test's own tool comes in by the debugger's door.
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => window.axe.run());
    for (const one of violations) { found += 1; console.log(`${name} ${what}: ${one.id}: ${one.nodes.map((node) => `${node.target} ${node.any[0]?.message ?? ''}`).join('; ')}`); }
  };
  const press = (key) => page.locator(`[data-key="${key}"]`).first().click();
  const look = (which) => page.locator(`[data-look="${which}"]`).first().waitFor();

  await page.locator('#user').waitFor();
  await shot('login');
  await page.fill('#user', 'alice');
  await page.fill('#password', 'wrong');
  await page.keyboard.press('Enter');
  await page.locator('.fault:not([hidden])').waitFor();
  await shot('login-refused');
  await page.fill('#password', 'secret');
  await page.keyboard.press('Enter');
  await page.locator('.is-offline').first().waitFor();
  await shot('offline');
  await page.selectOption('#status', 'Break');
  await page.locator('.idle.is-custom').waitFor();
  await press('dialpad');
  await shot('break-keypad');
  await press('dialpad');
  await press('go');
  await page.locator('.idle.is-routable').waitFor();
  await press('tab history');
  await shot('available-history');
  await press('tab agents');
  await shot('available-agents');
  let id = await fake.ring({ attributes: { customer: 'C-104288', language: 'ja', reason: 'Question about an invoice that came twice' }, name: '山田 花子' });
  await look('ringing');
  await shot('ringing');
  await press('accept');
  await look('connected');
  await page.locator('[data-audio=good]').waitFor();
  await page.selectOption('#status', 'Lunch');
  await page.locator('.next').waitFor();
  await shot('connected-next');
  await press('mute');
  await page.locator('.tool.is-on').waitFor();
  await press('keypad');
  await page.keyboard.type('42#');
  await shot('muted-keypad');
  await page.keyboard.press('Escape');
  await press('transfer');
  await shot('transfer');
  await page.fill('#target', 'b');
  await press('consult');
  await shot('consult-choice');
  await page.locator('[data-key="to agent:bob"]').click();
  await look('dialling');
  await shot('consult-rings');
  fake.answered([...fake.contacts.keys()].at(-1));
  await page.locator('[data-key=complete]').waitFor();
  await shot('consulting');
  await press('complete');
  await look('ended');
  await shot('wrap-up');
  await press('cancel-next');
  await press('clear');
  id = await fake.ring({ from: '', queue: 'billing' });
  await look('ringing');
  fake.miss(id);
  await look('missed');
  await shot('missed');
  await press('clear');
  await page.fill('#number', '+81 3 5555 0001');
  await press('call');
  await look('dialling');
  await shot('dialling');
  id = [...fake.contacts.keys()][0];
  fake.answered(id);
  await look('connected');
  await press(`hold ${id}`);
  await look('held');
  await shot('held');
  fake.fail(id, 'The media connection was lost.');
  await look('error');
  await shot('error');
  await press('clear');
  await press('settings');
  await page.locator('#device-microphone').waitFor();
  await shot('settings');
  await page.keyboard.press('Escape');
  const second = await rig.open(`/?lng=${language}`);
  await second.fill('#user', 'alice');
  await second.fill('#password', 'secret');
  await second.keyboard.press('Enter');
  await second.locator('.bar').waitFor();
  await page.locator('.banner.is-audio').waitFor();
  await shot('audio-elsewhere');
  fake.refuse = (asked) => (asked.do === 'hello' ? { code: 'draining' } : null);
  await second.close();
  fake.cut();
  await page.locator('.banner.is-lost').waitFor();
  await shot('lost');
  await page.goto(`http://localhost:${fake.port}/check?lng=${language}`);
  await press('start');
  await page.locator('[data-key=copy]:not([hidden])').waitFor({ timeout: 60000 });
  await shot('check');
  const told = rig.faults.filter((one) => !/WebSocket connection|ERR_CONNECTION/.test(one));
  if (told.length) { found += told.length; console.log(told.join('\n')); }
  await rig.close();
  console.log(`${name}: ${at} pictures, ${found} faults`);
  return found;
}
