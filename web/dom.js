// Elements, icons and times: what all views are made of. Knows nothing of telephony.

const SVG = 'http://www.w3.org/2000/svg';

/** An element. Of the properties `on` holds listeners, `class` and `text` are what they say, all others are attributes. */
export function h(tag, { on = {}, text, value, ...attributes } = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, one] of Object.entries(attributes)) {
    if (one === true) element.setAttribute(name, '');
    else if (one !== false && one !== null && one !== undefined) element.setAttribute(name, one);
  }
  for (const [name, listener] of Object.entries(on)) element.addEventListener(name, listener);
  if (text !== undefined) element.textContent = text;
  element.append(...children.flat(3).filter((one) => one !== null && one !== undefined && one !== false));
  if (value !== undefined) element.value = value;
  return element;
}

// Drawn on 24 by 24, in strokes.
const HANDSET = 'M8.200 4C6.900 4 6 5 6 6.200 6 13.300 11.700 19 18.800 19c1.200 0 2.200-.9 2.200-2.200v-2.300l-3.500-1.500-1.700 1.700c-2-.9-3.600-2.500-4.500-4.500L13 8.500 11.500 4z';
const ICONS = {
  phone: [HANDSET],
  end: ['M3 14.500c0-1 .3-1.800 1-2.400 4.600-3.900 11.400-3.900 16 0 .7.6 1 1.400 1 2.400v1.500l-4.300.7-.8-2.700c-2.500-.9-5.300-.9-7.800 0l-.8 2.700L3 16z'],
  pause: ['M9 6v12', 'M15 6v12'],
  play: ['M8 5.500v13l10.500-6.500z'],
  mic: ['M12 4a2.500 2.500 0 0 1 2.500 2.500v5a2.500 2.500 0 0 1-5 0v-5A2.500 2.500 0 0 1 12 4z', 'M6.500 11.500a5.500 5.500 0 0 0 11 0', 'M12 17v3'],
  muted: ['M14.500 9V6.500a2.500 2.500 0 0 0-4.700-1.200', 'M9.500 9.500v2a2.500 2.500 0 0 0 3.700 2.200', 'M6.500 11.500a5.500 5.500 0 0 0 8.600 4.500', 'M17.500 11.500c0 .9-.2 1.700-.6 2.500', 'M12 17v3', 'M5 4.500l14 15'],
  keypad: [5, 12, 19].flatMap((y) => [5, 12, 19].map((x) => `M${x} ${y}h.01`)),
  transfer: ['M4 8h13', 'M13.500 4.500L17 8l-3.500 3.500', 'M20 16H7', 'M10.500 12.500L7 16l3.500 3.500'],
  consult: ['M9 11.500a3.200 3.200 0 1 0 0-6.400 3.200 3.200 0 0 0 0 6.400z', 'M3.500 19c.3-3 2.500-5 5.500-5s5.200 2 5.500 5', 'M15.500 5.500a3 3 0 0 1 0 5.700', 'M17 14.300c2 .6 3.300 2.300 3.500 4.700'],
  check: ['M5 12.500l4.500 4.500L19 7.500'],
  close: ['M6.500 6.500l11 11', 'M17.500 6.500l-11 11'],
  settings: ['M4 8h8', 'M16 8h4', 'M14 6v4', 'M4 16h4', 'M12 16h8', 'M10 14v4'],
  inbound: ['M18 6L7 17', 'M7 9v8h8'],
  outbound: ['M6 18L17 7', 'M9 7h8v8'],
  missed: ['M5 7l6 6 8-8', 'M5 12V7h5', 'M5 19h14'],
  person: ['M12 12a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7z', 'M5.500 20c.4-3.500 3-5.800 6.500-5.800s6.100 2.300 6.500 5.800'],
  queue: ['M4 7h16', 'M4 12h16', 'M4 17h9'],
  erase: ['M9 6h11v12H9l-5.500-6z', 'M12 9.500l5 5', 'M17 9.500l-5 5'],
  sound: ['M4 10v4h3.500L12 18V6l-4.500 4z', 'M15.500 9.500c1.300 1.400 1.300 3.600 0 5', 'M18 7c2.600 2.800 2.600 7.200 0 10'],
};

export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  const attributes = { viewBox: '0 0 24 24', class: `icon icon-${name}`, 'aria-hidden': 'true', focusable: 'false' };
  for (const [key, value] of Object.entries(attributes)) svg.setAttribute(key, value);
  for (const d of ICONS[name] ?? []) {
    const path = document.createElementNS(SVG, 'path');
    path.setAttribute('d', d);
    svg.append(path);
  }
  return svg;
}

/** A button with a visible name; `kind` is primary, danger, quiet or tool. */
export function button(name, { kind = 'quiet', icon: picture, key, shortcut, ...rest }, click) {
  const shown = picture ? [icon(picture)] : [];
  const label = h('span', { class: 'label', text: name });
  return h('button', { type: 'button', class: `button ${kind}`, 'data-key': key ?? name, 'aria-keyshortcuts': shortcut, title: shortcut, on: { click }, ...rest }, ...shown, label);
}

/** A button that is its icon; the name is for those who do not see it, and for the pointer that rests. */
export function iconButton(name, picture, rest, click) {
  return h('button', { type: 'button', class: 'icon-button', 'aria-label': name, title: name, 'data-key': rest.key ?? name, on: { click }, ...rest }, icon(picture));
}

/** Puts new children in, and the focus back where it was, by `data-key`. */
export function fill(element, ...children) {
  const active = document.activeElement;
  const key = element.contains(active) ? active.dataset.key : undefined;
  const at = key && 'selectionStart' in active ? [active.selectionStart, active.selectionEnd] : null;
  element.replaceChildren(...children.flat(3).filter((one) => one !== null && one !== undefined && one !== false));
  if (!key) return;
  const again = element.querySelector(`[data-key="${CSS.escape(key)}"]`) ?? element.querySelector('.primary');
  again?.focus({ preventScroll: true });
  if (at && again && 'setSelectionRange' in again) again.setSelectionRange(...at);
}

/** 0:05, 12:34, 1:02:03. */
export function clock(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const two = (number) => String(number).padStart(2, '0');
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** A time that goes on: since a moment, until a moment, or a fixed span. `tick` keeps it going. */
export function timer({ since, until, span }, now, attributes = {}) {
  const element = h('time', { class: 'clock', 'data-since': since, 'data-until': until, ...attributes });
  element.textContent = clock(span ?? (until ? until - now : now - since));
  return element;
}

export function tick(root, now) {
  for (const element of root.querySelectorAll('time[data-since], time[data-until]')) {
    const { since, until } = element.dataset;
    const text = clock(until ? Number(until) - now : now - Number(since));
    if (element.textContent !== text) element.textContent = text;
  }
}

/** Numbers in groups that can be read out: +81 3 1234 5678. Whatever is not an E.164 number stays as it is. */
export function spaced(number) {
  if (!/^\+\d{7,15}$/.test(number ?? '')) return (number ?? '').replace(/^(agent|queue):/, '');
  const area = /^\+81(120|800|50|70|80|90|3|6|\d\d)(\d+)$/.exec(number);
  const groups = (digits) => digits.replace(/(\d{2,4})(?=(\d{4})+$)/g, '$1 ').replace(/(\d)(?=(\d{4})+$)/g, '$1 ').trim().replace(/\s+/g, ' ');
  if (area) return `+81 ${area[1]} ${area[2].length === 6 ? area[2].replace(/(\d{3})(?=\d)/, '$1 ') : groups(area[2])}`;
  if (number.startsWith('+1') && number.length === 12) return number.replace(/^\+1(\d{3})(\d{3})(\d{4})$/, '+1 $1 $2 $3');
  return number;
}

export function say(text, { urgent = false } = {}) {
  const element = document.getElementById(urgent ? 'called' : 'said');
  if (element && element.textContent !== text) element.textContent = text;
}
