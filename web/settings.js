// The settings: devices with their tests, language, log, keys, and the way out.
import { button, h, iconButton } from './dom.js';
import { currentLanguage, t } from './texts.js';

/** A dialog; `chosen` is told of a new language, `leave` of the wish to sign out. */
export function settings(agent, { chosen, leave }) {
  let stopMeter = null;
  const bar = h('meter', { min: '0', max: '1', low: '0.02', id: 'level', 'aria-label': t('settings.level') });
  const fault = h('p', { class: 'fault', role: 'alert', hidden: true });
  const fail = (error) => {
    fault.hidden = false;
    fault.textContent = t(`fault.${error.code}`, { message: error.message });
  };
  const listen = async () => {
    try {
      await stopMeter?.();
      stopMeter = await agent.devices.meter((level) => { bar.value = Math.min(1, Math.sqrt(level) * 1.6); });
    } catch (error) { fail(error); }
  };
  const selects = h('div', { class: 'devices' });
  const show = async () => {
    const all = await agent.devices.list();
    const kinds = ['microphone', ...(agent.devices.canChooseOutput ? ['speaker', 'ringer'] : [])];
    selects.replaceChildren(...kinds.map((kind) => deviceLine(agent, kind, all[kind], () => kind === 'microphone' && stopMeter && listen())),
      ...(agent.devices.canChooseOutput ? [] : [h('p', { class: 'lead', text: t('settings.output_fixed') })]));
  };
  const off = agent.devices.on('change', show);
  const dialog = h('dialog', { class: 'settings', 'aria-labelledby': 'settings-title', on: { close: () => { off(); stopMeter?.(); dialog.remove(); } } },
    h('header', {}, h('h2', { id: 'settings-title', class: 'subtitle', text: t('settings.title') }), iconButton(t('do.close'), 'close', { key: 'close' }, () => dialog.close())),
    selects,
    h('div', { class: 'field' }, h('label', { for: 'level', text: t('settings.level') }), bar),
    fault,
    h('div', { class: 'field' }, h('label', { for: 'language', text: t('settings.language') }),
      h('select', { id: 'language', on: { change: ({ target }) => { dialog.close(); chosen(target.value); } } },
        [['en', 'English'], ['ja', '日本語']].map(([value, text]) => h('option', { value, text, lang: value, selected: value === currentLanguage() })))),
    h('div', { class: 'field keys' }, h('h3', { text: t('settings.keys') }), h('p', { class: 'lead', text: t('settings.keys.text') })),
    h('footer', {},
      h('a', { class: 'button quiet', href: 'check', target: '_blank', rel: 'noopener', text: t('settings.check') }),
      button(t('settings.log'), {}, () => agent.getLog().download()),
      button(t('settings.logout'), { kind: 'danger-quiet' }, () => { dialog.close(); leave(); })));
  document.body.append(dialog);
  dialog.showModal();
  // The names of devices are told only to those who may use the microphone; the meter asks for it.
  void show().then(listen).then(show);
  return dialog;
}

function deviceLine(agent, kind, devices, chosen) {
  const id = `device-${kind}`;
  const current = agent.devices.chosen(kind);
  const options = devices.filter((one) => one.id !== 'default').map((one, at) => h('option', { value: one.id, selected: one.id === current, text: one.label || t('settings.unnamed', { n: at + 1 }) }));
  const name = t(`settings.${kind}`);
  return h('div', { class: 'field' },
    h('label', { for: id, text: name }),
    h('div', { class: 'with-button' },
      h('select', { id, on: { change: async ({ target }) => { await agent.devices.choose(kind, target.value); chosen(); } } }, h('option', { value: '', text: t('settings.default') }), options),
      kind !== 'microphone' && button(t('settings.test'), { icon: 'sound', key: `test ${kind}`, 'aria-label': t('settings.test_of', { name }) }, () => agent.devices.test(kind))));
}
