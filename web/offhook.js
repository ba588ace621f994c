// The agent's telephone as a library: one agent, its contacts and their audio. Shows nothing; pages are built on it.
// The daemon tells every state whole; here the difference becomes events. The first half knows no browser and runs in Node.

export const PROTOCOL = 1;
const SUBPROTOCOL = 'offhook.agent.1';
const LIVE = new Set(['incoming', 'pending', 'connecting', 'connected']);
const RINGING = new Set(['incoming', 'connecting']);
const STORED = 'offhook.agent';
const STORED_HISTORY = 'offhook.history';

// ---- From snapshots to events: pure.

/** Events that a contact's change means, in the order in which they are told. `null` is "not there". */
export function contactEvents(before, after) {
  if (!after) return before ? [...(LIVE.has(before.state) ? ['ended'] : []), 'destroyed'] : [];
  const events = [before ? 'refresh' : 'init'];
  if (before?.state !== after.state) {
    const isTaken = after.state === 'pending' || (after.state === 'connected' && after.direction === 'inbound');
    if (before && RINGING.has(before.state) && isTaken) events.push('accepted');
    events.push(...(ENTERING[after.state] ?? []));
  }
  if (Boolean(before?.held) !== Boolean(after.held)) events.push(after.held ? 'held' : 'resumed');
  if (Boolean(before?.muted) !== Boolean(after.muted)) events.push(after.muted ? 'muted' : 'unmuted');
  return events;
}

const ENTERING = {
  incoming: ['incoming'],
  pending: ['pending'],
  connecting: ['connecting'],
  connected: ['connected'],
  missed: ['error', 'missed', 'ended'],
  error: ['error', 'ended'],
  // That a contact has ended means that the work after it has begun.
  ended: ['acw', 'ended'],
};

const STATE_NAMES = { on_contact: 'Busy', acw: 'AfterCallWork', missed: 'MissedCallAgent', error: 'Error' };

/** The one state that panels show: the status by its own name, or what the agent does while a contact is in hand. */
export function agentState(agent, contacts = []) {
  if (!agent) return { name: 'Init', type: 'system', since: 0, activity: 'offline' };
  const { activity, status, status_kind: kind, status_since: since } = agent;
  if (activity === 'incoming') return { name: 'PendingBusy', type: 'system', since, activity };
  const isDialling = contacts.some((one) => one.direction !== 'inbound' && ['pending', 'connecting'].includes(one.state));
  if (activity === 'on_contact' && isDialling) return { name: 'CallingCustomer', type: 'system', since, activity };
  if (STATE_NAMES[activity]) return { name: STATE_NAMES[activity], type: 'system', since, activity };
  return { name: status, type: kind, since, activity };
}

/** Events that an agent's change of state means. */
export function agentEvents(before, after) {
  if (before && before.name === after.name && before.type === after.type) return [];
  const events = ['stateChange'];
  if (after.type === 'routable' || after.type === 'offline') events.push(after.type);
  if (after.activity === 'acw') events.push('afterCallWork');
  if (after.activity === 'missed' || after.activity === 'error') events.push('error');
  return events;
}

/** Whether a ring tone belongs to this contact: never once it is neither incoming nor connecting. */
export function rings(contact) {
  return Boolean(contact) && RINGING.has(contact.state) && contact.direction !== 'outbound' && !contact.accepting;
}

/** Milliseconds before the next attempt to reconnect. `chance` is 0 to 1, so that a fleet does not come back at once. */
export function backOff(attempt, chance) {
  const ceiling = Math.min(10000, 250 * 2 ** Math.min(attempt, 10));
  return Math.round(ceiling / 2 + (ceiling / 2) * chance);
}

/**
 * What a conversation is worth, 1 (nobody understands) to 4.4, by the transmission rating of ITU-T G.107 with the delay and the losses
 * that the browser sees. The constants of losses are those of Opus with error correction.
 */
export function scoreOf({ rtt_ms: rtt = 0, jitter_ms: jitter = 0, loss = 0 }) {
  const delay = rtt / 2 + jitter * 2 + 40;
  const byDelay = 0.024 * delay + (delay > 177.3 ? 0.11 * (delay - 177.3) : 0);
  const percent = Math.min(100, loss * 100);
  const rating = Math.max(0, 93.2 - byDelay - (95 * percent) / (percent + 12));
  return 1 + 0.035 * rating + rating * (rating - 60) * (100 - rating) * 7e-6;
}

export function gradeOf(quality) {
  if (!quality || quality.packets === 0) return 'none';
  const score = scoreOf(quality);
  return score >= 4 ? 'good' : score >= 3.4 ? 'fair' : 'poor';
}

/** Two readings of RTCPeerConnection.getStats() become what happened between them. */
export function qualityBetween(before, now) {
  const packets = now.received - (before?.received ?? 0);
  const lost = Math.max(0, now.lost - (before?.lost ?? 0));
  const loss = Math.max(packets + lost > 0 ? lost / (packets + lost) : 0, now.remoteLoss ?? 0);
  return { rtt_ms: Math.round(now.rtt * 1000), jitter_ms: Math.round(now.jitter * 1000), loss, level: now.level, packets, heard: now.heard };
}

export class OffhookError extends Error {
  constructor(code, message, at) {
    super(message || code);
    this.name = 'OffhookError';
    this.code = code;
    if (at !== undefined) this.at = at;
  }
}

class Emitter {
  #listeners = new Map();

  /** Gives a function that takes the listener away again. */
  on(name, listener) {
    const list = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, list.add(listener));
    return () => list.delete(listener);
  }

  off(name, listener) { this.#listeners.get(name)?.delete(listener); }

  once(name, listener) {
    const off = this.on(name, (...given) => { off(); listener(...given); });
    return off;
  }

  emit(name, ...given) {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) {
      // A fault in a page's listener is the page's: the others hear of the event all the same.
      try { listener(...given); } catch (error) { this.onListenerFault?.(name, error); }
    }
  }
}

// ---- The log: what a helpdesk asks for. Neither passwords nor tokens nor descriptions with their keys get into it.

export const LEVELS = ['TEST', 'TRACE', 'DEBUG', 'INFO', 'LOG', 'WARN', 'ERROR', 'CRITICAL'];
const ENTRIES = 5000;

export class Log {
  #entries = [];
  #echo;

  constructor({ echoLevel = 'WARN', console: out = globalThis.console } = {}) {
    this.#echo = { from: LEVELS.indexOf(echoLevel), out };
    for (const level of LEVELS) this[level.toLowerCase()] = (component, text, details) => this.write(level, component, text, details);
  }

  write(level, component, text, details) {
    const entry = { time: new Date().toISOString(), level, component, text };
    if (details instanceof Error) entry.exception = `${details.code ?? details.name}: ${details.message}`;
    else if (details !== undefined) entry.details = details;
    this.#entries.push(entry);
    if (this.#entries.length > ENTRIES) this.#entries.splice(0, this.#entries.length - ENTRIES);
    if (LEVELS.indexOf(level) >= this.#echo.from) {
      this.#echo.out?.[level === 'WARN' ? 'warn' : 'error']?.(`offhook ${component}: ${text}`, entry.exception ?? entry.details ?? '');
    }
  }

  entries({ level = 'TEST' } = {}) {
    return this.#entries.filter((entry) => LEVELS.indexOf(entry.level) >= LEVELS.indexOf(level));
  }

  text(options) { return this.entries(options).map((entry) => `${JSON.stringify(entry)}\n`).join(''); }

  /** Saves the log as a file of the browser's: one JSON object per line. */
  download({ logName = 'agent-log.txt', filterByLogLevel: level } = {}) {
    const url = URL.createObjectURL(new Blob([this.text({ level })], { type: 'text/plain' }));
    Object.assign(document.createElement('a'), { href: url, download: logName }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  }
}

// ---- The wire: requests and their answers over one WebSocket.

const ANSWER_WITHIN = 10000;
const PING_EVERY = 5000;

class Wire extends Emitter {
  #socket;
  #waiting = new Map();
  #next = 1;
  #ping;
  #failOpening;

  constructor(url, log) {
    super();
    this.log = log;
    this.url = url;
  }

  open() {
    return new Promise((opened, failed) => {
      this.#failOpening = failed;
      const socket = new WebSocket(this.url, SUBPROTOCOL);
      this.#socket = socket;
      const late = setTimeout(() => socket.close(), ANSWER_WITHIN);
      socket.onopen = () => { clearTimeout(late); opened(); };
      socket.onmessage = ({ data }) => this.#take(data);
      socket.onclose = ({ code, reason }) => {
        clearTimeout(late);
        failed(new OffhookError('unreachable', `the daemon does not answer at ${this.url}`));
        this.#gone(code, reason);
      };
    });
  }

  ask(what, given = {}) {
    if (this.#socket?.readyState !== 1) return Promise.reject(new OffhookError('offline', 'there is no connection to the daemon'));
    const id = String(this.#next++);
    return new Promise((done, refused) => {
      const late = setTimeout(() => {
        this.#waiting.delete(id);
        refused(new OffhookError('timeout', `${what} was not answered`));
      }, ANSWER_WITHIN);
      this.#waiting.set(id, { what, done, refused, late });
      this.#socket.send(JSON.stringify({ do: what, id, ...given }));
      if (what !== 'ping' && what !== 'report') this.log.debug('wire', `ask ${what} ${id}`, given.contact ? { contact: given.contact } : undefined);
    });
  }

  /** Without an answer the connection is taken for dead: sooner than TCP would. */
  watch() {
    const ping = () => this.ask('ping', { at: Date.now() }).then(
      ({ at, now }) => this.emit('latency', { rtt: Date.now() - at, offset: now - (at + Date.now()) / 2 }),
      (error) => { if (error.code === 'timeout') this.drop(); },
    );
    this.#ping = setInterval(ping, PING_EVERY);
    ping();
  }

  /** After a change of network: asks at once, and waits less than usual. */
  probe() {
    if (this.#socket?.readyState !== 1) return;
    const late = setTimeout(() => this.drop(), 3000);
    this.ask('ping', { at: Date.now() }).catch(() => {}).finally(() => clearTimeout(late));
  }

  drop() {
    const socket = this.#socket;
    if (!socket || socket.readyState > 1) return;
    socket.onclose = null;
    socket.onmessage = null;
    socket.close();
    this.#gone(1006, 'no answer');
  }

  close() {
    clearInterval(this.#ping);
    if (this.#socket) Object.assign(this.#socket, { onclose: null, onmessage: null });
    this.#socket?.close();
    this.#failOpening?.(new OffhookError('offline', 'the connection was given up'));
    this.#refuseAll();
  }

  #take(data) {
    let told;
    try { told = JSON.parse(data); } catch { return this.log.warn('wire', 'a message was no JSON'); }
    const id = told.done ?? told.refused;
    if (id === undefined) return this.emit('told', told);
    const waiting = this.#waiting.get(String(id));
    if (!waiting) return undefined;
    this.#waiting.delete(String(id));
    clearTimeout(waiting.late);
    if (told.done !== undefined) return waiting.done(told);
    const error = new OffhookError(told.error?.code ?? 'refused', told.error?.message, told.error?.at);
    this.log.warn('wire', `${waiting.what} was refused`, error);
    return waiting.refused(error);
  }

  #gone(code, reason) {
    clearInterval(this.#ping);
    this.#refuseAll();
    this.emit('gone', { code, reason });
  }

  #refuseAll() {
    for (const { refused, late } of this.#waiting.values()) {
      clearTimeout(late);
      refused(new OffhookError('offline', 'the connection was lost before the answer'));
    }
    this.#waiting.clear();
  }
}

// ---- Devices: which microphone, speaker and ringer. Remembered per browser.

const MICROPHONE_FAULTS = { NotAllowedError: 'microphone_denied', NotFoundError: 'microphone_missing', NotReadableError: 'microphone_busy', OverconstrainedError: 'microphone_missing' };
const CHOSEN = 'offhook.devices';

export class Devices extends Emitter {
  #log;
  #chosen;
  #source;
  #taken = new Set();

  constructor(log) {
    super();
    this.#log = log;
    try { this.#chosen = JSON.parse(localStorage.getItem(CHOSEN) ?? '{}'); } catch { this.#chosen = {}; }
    globalThis.navigator?.mediaDevices?.addEventListener?.('devicechange', () => this.emit('change'));
  }

  get canChooseOutput() { return typeof HTMLMediaElement !== 'undefined' && 'setSinkId' in HTMLMediaElement.prototype; }

  /** The id of the chosen device, or '' for the system's own choice. `kind`: microphone, speaker, ringer. */
  chosen(kind) { return this.#chosen[kind] ?? ''; }

  /** Devices by kind. They have names only after the microphone has been allowed once. */
  async list() {
    const all = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
    const of = (kind) => all.filter((one) => one.kind === kind && one.deviceId).map(({ deviceId: id, label }) => ({ id, label }));
    return { microphone: of('audioinput'), speaker: of('audiooutput'), ringer: of('audiooutput') };
  }

  async choose(kind, id) {
    this.#chosen = { ...this.#chosen, [kind]: id };
    try { localStorage.setItem(CHOSEN, JSON.stringify(this.#chosen)); } catch { this.#log.info('devices', 'the choice cannot be kept'); }
    this.#log.info('devices', `${kind} was chosen`);
    if (kind === 'microphone') this.#drop();
    this.emit('chosen', kind);
  }

  /** A track of the chosen microphone, to be handed back by `give`. The device is closed when nobody has a track of it. */
  async take() {
    const source = await (this.#source ??= this.#open());
    const track = source.getAudioTracks()[0].clone();
    this.#taken.add(track);
    return track;
  }

  give(track) {
    track?.stop();
    this.#taken.delete(track);
    if (this.#taken.size === 0) this.#drop();
  }

  #drop() {
    this.#source?.then((stream) => stream.getTracks().forEach((track) => track.stop()), () => {});
    this.#source = undefined;
  }

  async #open(id = this.chosen('microphone')) {
    if (!navigator.mediaDevices?.getUserMedia) throw new OffhookError('insecure', 'browsers give a microphone to https pages only');
    const wish = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 };
    try {
      return await navigator.mediaDevices.getUserMedia({ audio: id ? { ...wish, deviceId: { exact: id } } : wish });
    } catch (error) {
      // The headset of yesterday is at home: better another microphone than no call.
      if (id && ['OverconstrainedError', 'NotFoundError'].includes(error.name)) return this.#open('');
      this.#source = undefined;
      throw new OffhookError(MICROPHONE_FAULTS[error.name] ?? 'microphone_busy', error.message);
    }
  }

  /** Tells the microphone's level, 0 to 1, about fifteen times a second until the function it gives is called. */
  async meter(listener) {
    const track = await this.take();
    const audio = new AudioContext();
    const analyser = new AnalyserNode(audio, { fftSize: 1024 });
    new MediaStreamAudioSourceNode(audio, { mediaStream: new MediaStream([track]) }).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      listener(Math.sqrt(samples.reduce((sum, one) => sum + one * one, 0) / samples.length));
    }, 66);
    return () => { clearInterval(timer); audio.close(); this.give(track); };
  }

  /** A short tone on the speaker or the ringer, to find out which of them it is. */
  async test(kind) {
    const ringer = new Ringer(this, this.#log, kind);
    await ringer.start();
    setTimeout(() => ringer.stop(), 1500);
  }
}

// Two soft tones, twice, then rest: made here, because a file would have to be fetched when the network is at its worst.
class Ringer {
  #audio;
  #timer;
  #element;

  constructor(devices, log, kind = 'ringer') { Object.assign(this, { devices, log, kind }); }

  get isOn() { return Boolean(this.#audio); }

  async start() {
    if (this.#audio) return true;
    const audio = new AudioContext();
    this.#audio = audio;
    const volume = new GainNode(audio, { gain: 0 });
    await this.#connect(audio, volume);
    if (this.#audio !== audio) return true;
    for (const frequency of [440, 587]) {
      const tone = new OscillatorNode(audio, { frequency });
      tone.connect(volume);
      tone.start();
    }
    const swell = () => {
      for (const begin of [0, 0.55]) {
        const at = audio.currentTime + 0.05 + begin;
        volume.gain.setValueAtTime(0, at);
        volume.gain.linearRampToValueAtTime(0.16, at + 0.04);
        volume.gain.setValueAtTime(0.16, at + 0.34);
        volume.gain.linearRampToValueAtTime(0, at + 0.4);
      }
    };
    swell();
    this.#timer = setInterval(swell, 3000);
    // Where a gesture is missing, `resume` waits for one and says nothing.
    await Promise.race([this.resume(), new Promise((next) => setTimeout(next, 500))]);
    return this.#audio !== audio || audio.state === 'running';
  }

  resume() { return this.#audio?.resume().catch(() => {}); }

  async #connect(audio, volume) {
    const id = this.devices.chosen(this.kind);
    if (!id) return volume.connect(audio.destination);
    try {
      if (audio.setSinkId) {
        await audio.setSinkId(id);
        return volume.connect(audio.destination);
      }
      const out = new MediaStreamAudioDestinationNode(audio);
      volume.connect(out);
      this.#element = Object.assign(new Audio(), { srcObject: out.stream });
      await this.#element.setSinkId(id);
      return await this.#element.play();
    } catch (error) {
      this.log.warn('ringer', 'the chosen ringer is not there', error);
      return volume.connect(audio.destination);
    }
  }

  stop() {
    clearInterval(this.#timer);
    this.#element?.pause();
    this.#audio?.close().catch(() => {});
    this.#audio = undefined;
    this.#element = undefined;
  }
}

// ---- One contact's audio: one RTCPeerConnection, made anew by `attach` whenever the way is lost.

// Before its first candidate a browser writes 0.0.0.0, which telephony has always read as hold. The address is nobody's: we are
// found by our checks.
function withoutHold(sdp) {
  return sdp.replace(/^c=IN IP4 0\.0\.0\.0\r$/gm, 'c=IN IP4 192.0.2.1\r');
}

class Talk {
  #connection;
  #devices;
  #element;
  #before;
  #isClosed = false;

  constructor(devices, { iceServers, log, changed, blocked }) {
    this.#devices = devices;
    this.log = log;
    this.blocked = blocked;
    this.#connection = new RTCPeerConnection({ iceServers: iceServers ?? [], bundlePolicy: 'max-bundle' });
    this.#connection.onconnectionstatechange = () => {
      log.info('audio', `connection is ${this.state}`);
      if (!this.#isClosed) changed(this.state);
    };
    this.#connection.ontrack = ({ track }) => this.#play(track);
  }

  get state() { return this.#connection.connectionState; }

  // The daemon is at a known address and finds us by our checks: no candidate of ours has to be waited for.
  async answer(offer) {
    await this.#connection.setRemoteDescription({ type: 'offer', sdp: offer });
    await this.#speak();
    await this.#connection.setLocalDescription(await this.#connection.createAnswer());
    return withoutHold(this.#connection.localDescription.sdp);
  }

  async offer() {
    await this.#speak();
    await this.#connection.setLocalDescription(await this.#connection.createOffer());
    return withoutHold(this.#connection.localDescription.sdp);
  }

  async takeAnswer(sdp) {
    if (this.#connection.signalingState === 'have-local-offer') await this.#connection.setRemoteDescription({ type: 'answer', sdp });
  }

  async #speak() {
    this.track = await this.#devices.take();
    if (this.#isClosed) { this.#devices.give(this.track); throw new OffhookError('gone', 'the contact ended meanwhile'); }
    this.mute(this.isMuted);
    this.#connection.addTrack(this.track, new MediaStream([this.track]));
    this.track.onended = () => this.changeMicrophone();
  }

  mute(on) {
    this.isMuted = Boolean(on);
    if (this.track) this.track.enabled = !on;
  }

  async changeMicrophone() {
    const sender = this.#connection.getSenders().find((one) => one.track === this.track);
    if (this.#isClosed || !sender) return;
    const old = this.track;
    try {
      this.track = await this.#devices.take();
      this.track.enabled = !this.isMuted;
      await sender.replaceTrack(this.track);
      this.track.onended = () => this.changeMicrophone();
    } catch (error) {
      this.log.error('audio', 'the microphone is lost', error);
    }
    this.#devices.give(old);
  }

  async changeSpeaker() {
    try { await this.#element?.setSinkId?.(this.#devices.chosen('speaker')); } catch (error) { this.log.warn('audio', 'the chosen speaker is not there', error); }
  }

  async #play(track) {
    this.#element ??= new Audio();
    this.#element.srcObject = new MediaStream([track]);
    await this.changeSpeaker();
    await this.play();
  }

  /** Browsers may want a gesture before anything sounds; then `blocked` is told and a click calls this again. */
  async play() {
    try { await this.#element?.play(); } catch (error) { if (error.name === 'NotAllowedError') this.blocked(); }
  }

  async quality() {
    const now = { received: 0, lost: 0, jitter: 0, rtt: 0, level: 0, heard: 0 };
    (await this.#connection.getStats()).forEach((one) => {
      if (one.type === 'inbound-rtp') Object.assign(now, { received: one.packetsReceived ?? 0, lost: one.packetsLost ?? 0, jitter: one.jitter ?? 0, heard: one.audioLevel ?? 0 });
      if (one.type === 'remote-inbound-rtp') Object.assign(now, { rtt: one.roundTripTime ?? now.rtt, remoteLoss: one.fractionLost ?? 0 });
      if (one.type === 'candidate-pair' && one.nominated && !now.rtt) now.rtt = one.currentRoundTripTime ?? 0;
      if (one.type === 'media-source') now.level = one.audioLevel ?? 0;
    });
    const quality = qualityBetween(this.#before, now);
    this.#before = now;
    return quality;
  }

  close() {
    this.#isClosed = true;
    this.#connection.close();
    if (this.track) this.track.onended = null;
    this.#devices.give(this.track);
    if (this.#element) { this.#element.pause(); this.#element.srcObject = null; }
  }
}

// ---- A contact: what is said with one customer or colleague.

const ATTACHES = 6;
const LOST_AFTER = 2500;

export class Contact extends Emitter {
  #desk;
  #talk;
  #attaching;
  #attempts = 0;
  #lost;
  #connectedAt;
  #isAcceptTold = false;
  #muting = 0;

  constructor(desk, snapshot) {
    super();
    this.#desk = desk;
    this.onListenerFault = (name, error) => desk.log.error('page', `a listener of ${name} failed`, error);
    this.snapshot = snapshot;
    this.quality = null;
  }

  // -- what it is

  get id() { return this.snapshot.id; }
  getContactId() { return this.snapshot.id; }
  getState() { return { type: this.snapshot.state, since: this.snapshot.since, held: this.snapshot.held, muted: this.snapshot.muted }; }
  getStateDuration() { return Math.max(0, this.#desk.now() - this.snapshot.since); }
  getDirection() { return this.snapshot.direction; }
  isInbound() { return this.snapshot.direction === 'inbound'; }
  isLive() { return LIVE.has(this.snapshot.state); }
  isRinging() { return rings({ ...this.snapshot, accepting: this.isAccepting }); }
  isOnHold() { return Boolean(this.snapshot.held); }
  isMuted() { return Boolean(this.snapshot.muted); }
  getQueue() { return this.snapshot.queue; }
  getWaited() { return this.snapshot.waited_ms; }
  getName() { return this.snapshot.name; }
  /** The other party's number: the caller's, or the one that was dialled. */
  getNumber() { return this.isInbound() ? this.snapshot.from : this.snapshot.to; }
  /** Our number: the one that was called, or the caller ID that is shown. */
  getOwnNumber() { return this.isInbound() ? this.snapshot.to : this.snapshot.from; }
  getAttributes() { return this.snapshot.attributes ?? {}; }
  getAttribute(name) { return this.getAttributes()[name]; }
  getConsulted() { return this.snapshot.consults; }
  getAcwUntil() { return this.snapshot.acw_until; }
  getEnd() { return this.snapshot.ended; }
  /** Milliseconds of conversation: 0 before it begins, and what it came to after its end. */
  getDuration() {
    if (this.#connectedAt === undefined) return 0;
    return Math.max(0, (this.isLive() ? this.#desk.now() : this.snapshot.since) - this.#connectedAt);
  }
  /** Of the audio: none, connecting, connected, lost. */
  getAudioState() {
    if (!this.#talk) return this.#attaching ? 'connecting' : 'none';
    const { state } = this.#talk;
    if (state === 'connected') return 'connected';
    return ['failed', 'disconnected'].includes(state) || this.#attaching ? 'lost' : 'connecting';
  }

  // -- what one does with it. Each gives a promise, refused with an OffhookError.

  async accept() {
    if (this.isAccepting) return;
    if (!this.#desk.isOwner()) this.#fail('accept', notOwner());
    this.isAccepting = true;
    this.#tellAccepted();
    this.#desk.refresh();
    try {
      this.#talk?.close();
      this.#talk = this.#newTalk();
      // A callback has nothing to be answered yet: there our description is the offer.
      const sdp = this.snapshot.offer ? await this.#talk.answer(this.snapshot.offer) : await this.#talk.offer();
      await this.#ask('accept', { sdp });
      await this.#takeAnswer();
    } catch (error) {
      this.#closeTalk();
      this.isAccepting = false;
      this.#desk.refresh();
      this.#fail('accept', error);
    }
  }

  reject() { return this.#try('reject'); }
  hangUp() { return this.#try(this.isInbound() && this.isRinging() ? 'reject' : 'hang_up'); }
  hold() { return this.#try('hold'); }
  resume() { return this.#try('resume'); }
  mute() { return this.#mute(true); }
  unmute() { return this.#mute(false); }
  dtmf(digits) { return this.#try('dtmf', { digits }); }
  /** `to`: a number, `agent:NAME` or `queue:NAME`. This agent is out of it at once. */
  transfer(to) { return this.#try('transfer', { to }); }
  /** Holds this contact and calls somebody about it; gives the new contact. */
  consult(to) { return this.#desk.call('consult', { contact: this.id, to }); }
  /** Joins the customer with the one consulted; this agent leaves both. */
  complete() { return this.#try('complete', { contact: this.#desk.consultingOf(this)?.id ?? this.id }); }
  /** Ends the work after the contact, or puts away one that was missed or failed. */
  clear() { return this.#try('clear'); }
  /** Lets sound begin where the browser wanted a gesture first. Call it from a click. */
  play() { return this.#talk?.play(); }

  async #mute(on) {
    // Here first: whoever presses it wants it now, whatever the network does.
    this.#muting += 1;
    this.#talk?.mute(on);
    try { await this.#try('mute', { on }); } finally {
      this.#muting -= 1;
      if (this.#muting === 0) this.#talk?.mute(this.snapshot.muted);
    }
  }

  #ask(what, given) { return this.#desk.ask(what, { contact: this.id, ...given }); }

  async #try(what, given) {
    try { await this.#ask(what, given); } catch (error) { this.#fail(what, error); }
  }

  #fail(what, error) {
    this.#desk.log.warn('contact', `${what} failed`, error);
    this.emit('fault', error, this);
    throw error;
  }

  // -- what the daemon tells of it. `take` and the rest below are the agent's to call.

  take(snapshot, isFirst = false) {
    const before = isFirst ? null : this.snapshot;
    const events = contactEvents(before, snapshot);
    this.snapshot = snapshot;
    if (snapshot.state === 'connected' && this.#connectedAt === undefined) this.#connectedAt = snapshot.since;
    if (!RINGING.has(snapshot.state)) this.isAccepting = false;
    if (!this.isLive()) this.#closeTalk();
    if (this.#talk && this.#muting === 0) this.#talk.mute(snapshot.muted);
    void this.#takeAnswer();
    for (const name of events) {
      if (name === 'accepted') this.#tellAccepted();
      else this.emit(name, this);
    }
    this.attachWhereNeeded();
    return events;
  }

  attachWhereNeeded() {
    if (this.snapshot.needs_attach && this.isLive() && this.#desk.isOwner() && !this.isAccepting) void this.attach().catch(() => {});
  }

  gone() {
    const events = contactEvents(this.snapshot, null);
    this.#closeTalk();
    for (const name of events) this.emit(name, this);
  }

  adopt(talk) {
    this.#talk = talk;
    talk.mute(this.snapshot.muted);
    void this.#takeAnswer();
  }

  releaseAudio() { this.#closeTalk(); }
  changeMicrophone() { return this.#talk?.changeMicrophone(); }
  changeSpeaker() { return this.#talk?.changeSpeaker(); }

  /** Builds the audio anew on the live contact: after a reload, a loss, a change of network. */
  attach() {
    this.#attaching ??= this.#attach().finally(() => { this.#attaching = undefined; this.#desk.refresh(); });
    return this.#attaching;
  }

  async #attach() {
    for (;;) {
      const talk = this.#newTalk();
      try {
        const { sdp } = await this.#ask('attach', { sdp: await talk.offer() });
        this.#talk?.close();
        this.#talk = talk;
        talk.mute(this.snapshot.muted);
        await talk.takeAnswer(sdp);
        this.#desk.log.info('audio', 'attached', { contact: this.id });
        return;
      } catch (error) {
        talk.close();
        this.#attempts += 1;
        const isHopeless = ['unknown_contact', 'wrong_state', 'not_owner', 'gone', 'offline', 'microphone_denied'].includes(error.code);
        if (!this.isLive() || isHopeless || this.#attempts >= ATTACHES) this.#fail('attach', error);
        await new Promise((next) => setTimeout(next, backOff(this.#attempts, Math.random())));
        if (!this.isLive() || !this.#desk.isOwner()) return;
      }
    }
  }

  /** After a change of network: what has not found its way by itself is attached. */
  checkWay() {
    clearTimeout(this.#lost);
    this.#lost = setTimeout(() => {
      if (this.#talk && this.isLive() && this.#desk.isOwner() && this.#talk.state !== 'connected') void this.attach().catch(() => {});
    }, LOST_AFTER);
  }

  async readQuality() {
    if (!this.#talk || this.#talk.state !== 'connected') { this.quality = null; return; }
    this.quality = await this.#talk.quality();
    this.emit('quality', this.quality, this);
  }

  report() {
    if (!this.quality || this.snapshot.state !== 'connected') return;
    const { rtt_ms, jitter_ms, loss, level } = this.quality;
    this.#ask('report', { quality: { rtt_ms, jitter_ms, loss, level } }).catch(() => {});
  }

  #newTalk() {
    const talk = this.#desk.talk((state) => this.audioChanged(talk, state));
    return talk;
  }

  audioChanged(talk, state) {
    if (talk !== this.#talk) return;
    clearTimeout(this.#lost);
    if (state === 'connected') this.#attempts = 0;
    if (state === 'failed' && this.isLive() && this.#attempts < ATTACHES) {
      this.#attempts += 1;
      void this.attach().catch(() => {});
    }
    if (state === 'disconnected') this.checkWay();
    this.#desk.refresh();
    this.emit('audio', this.getAudioState(), this);
  }

  async #takeAnswer() {
    const { answer } = this.snapshot;
    if (!answer || !this.#talk) return;
    try { await this.#talk.takeAnswer(answer); } catch (error) { this.#desk.log.error('audio', 'the answer was no use', error); }
  }

  #tellAccepted() {
    if (this.#isAcceptTold) return;
    this.#isAcceptTold = true;
    this.emit('accepted', this);
  }

  #closeTalk() {
    clearTimeout(this.#lost);
    this.#talk?.close();
    this.#talk = undefined;
  }
}

// ---- The agent.

const HISTORY = 100;

export class Agent extends Emitter {
  #wire;
  #options;
  #snapshot = null;
  #state = agentState(null);
  #contacts = new Map();
  #arrivals = new Map();
  #hello = {};
  #kept = {};
  #connection = 'offline';
  #attempt = 0;
  #retry;
  #offset = 0;
  #ringer;
  #isOwner = false;
  #ticks = 0;
  #desk;

  /**
   * `url`: the daemon's `ws:` or `wss:` address, by default that of the page. `media: false` makes a panel without audio.
   * `credentials`: a function that gives `{token}` of your own sign-on anew whenever a session is over.
   */
  constructor({ url = addressOfPage(), media = true, language, ringtone = true, credentials, storage, log = new Log() } = {}) {
    super();
    this.#options = { url, media, language, ringtone, credentials, storage: storage ?? globalThis.sessionStorage };
    this.log = log;
    this.onListenerFault = (name, error) => log.error('page', `a listener of ${name} failed`, error);
    this.devices = new Devices(log);
    this.#ringer = new Ringer(this.devices, log);
    this.devices.on('chosen', (kind) => this.#deviceChosen(kind));
    this.#desk = {
      log,
      ask: (what, given) => this.#ask(what, given),
      call: (what, given) => this.#call(what, given),
      now: () => this.now(),
      isOwner: () => this.isAudioOwner(),
      refresh: () => { this.#ring(); this.emit('refresh', this); },
      consultingOf: (contact) => (contact.getConsulted() ? contact : this.getContacts().find((one) => one.isLive() && one.getConsulted() === contact.id)),
      talk: (changed) => new Talk(this.devices, { iceServers: this.#hello.ice_servers, log, changed, blocked: () => this.emit('playbackBlocked', this) }),
    };
    this.#watchNetwork();
  }

  // -- coming and going

  /** With `{user, password}` or `{token}`. Refused with the code that the daemon gives: bad_credentials, too_many … */
  async login(credentials) {
    this.#setConnection('connecting');
    try { await this.#greet(credentials); } catch (error) {
      this.#setConnection('offline');
      throw error;
    }
  }

  /** Takes up what this tab had before it was reloaded. Gives false where there is nothing to take up. */
  async restore() {
    this.#kept = this.#stored(STORED, {});
    if (!this.#kept.resume && !this.#kept.token) return false;
    this.#setConnection('connecting');
    try {
      await this.#greetAgain();
      return true;
    } catch (error) {
      this.log.info('agent', 'nothing could be taken up', error);
      if (isOver(error)) { this.#forget(); this.#setConnection('offline'); return false; }
      this.#retryLater();
      return true;
    }
  }

  /** Offline, and the session is over: the caller of a contact in hand is hung up on. */
  async logout() {
    try { await this.#ask('logout'); } finally { this.#end('logout'); }
  }

  /** Closes this panel and leaves the agent logged in: the audio may be taken up within the time that the daemon keeps it. */
  close() {
    this.#leave();
    this.#setConnection('offline');
  }

  /** Lets rings and voices sound where the browser wanted a gesture first. Call it from a click. */
  unblock() {
    void this.#ringer.resume();
    for (const contact of this.getContacts()) void contact.play();
  }

  /** Makes this window the one with the agent's audio. */
  async takeAudio() {
    this.#wire?.close();
    this.#setConnection('connecting');
    try { await this.#greetAgain(); } catch (error) { this.#retryLater(error); }
  }

  getConnection() { return this.#connection; }
  isAudioOwner() { return this.#options.media && this.#isOwner; }
  /** The daemon's time, by which all `since` are meant. */
  now() { return Date.now() + this.#offset; }

  // -- the agent's state

  getName() { return this.#snapshot?.name; }
  getState() { return { ...this.#state }; }
  getStateDuration() { return Math.max(0, this.now() - this.#state.since); }
  getStatus() { return this.#snapshot?.status; }
  getNextState() { return this.#snapshot?.next_status ?? null; }
  getStates() { return this.#hello.statuses ?? []; }
  getAgentStates() { return this.getStates(); }
  getSnapshot() { return this.#snapshot; }

  /** A name out of `getStates()`. While a contact is in hand it becomes the next state, and holds once that is cleared. */
  setState(state) { return this.#ask('set_status', { status: state?.name ?? state }); }
  cancelNextState() { return this.#ask('cancel_next_status'); }

  onStateChange(listener) { return this.on('stateChange', listener); }
  onRoutable(listener) { return this.on('routable', listener); }
  onOffline(listener) { return this.on('offline', listener); }
  onAfterCallWork(listener) { return this.on('afterCallWork', listener); }
  onError(listener) { return this.on('error', listener); }
  onRefresh(listener) { return this.on('refresh', listener); }
  onContact(listener) { return this.on('contact', listener); }

  // -- contacts and what one can call

  getContacts() { return [...this.#contacts.values()]; }
  getContact(id) { return this.#contacts.get(id); }
  getCallerIds() { return this.#hello.caller_ids ?? []; }
  getQuickConnects() { return this.#hello.quick_connects ?? []; }
  getAgents() { return this.#hello.agents ?? []; }
  getHistory() { return this.#hello.history ?? []; }
  getLog() { return this.log; }

  /** Calls a number; gives the contact. `callerId` is one of `getCallerIds()`. */
  dial(number, { callerId } = {}) { return this.#call('dial', callerId ? { number, caller_id: callerId } : { number }); }
  connect(endpoint, options) { return this.dial(endpoint?.number ?? endpoint, options); }

  // -- inside

  async #greet(credentials) {
    clearTimeout(this.#retry);
    this.#wire?.close();
    const wire = new Wire(this.#options.url, this.log);
    this.#wire = wire;
    const { media, language } = this.#options;
    let hello;
    try {
      await wire.open();
      hello = await wire.ask('hello', { version: PROTOCOL, media, ...(language ? { language } : {}), ...credentials });
    } catch (error) {
      wire.close();
      throw this.#wire === wire ? error : new OffhookError('superseded', 'another attempt has taken over');
    }
    wire.on('told', (told) => this.#told(told));
    wire.on('gone', () => this.#lost());
    wire.on('latency', ({ rtt, offset }) => { this.#offset = offset; this.latency = rtt; this.emit('latency', rtt, this); });
    this.#attempt = 0;
    this.#welcome(hello);
    wire.watch();
  }

  // The way back is short while it lasts, the session's token holds longer, and your own sign-on holds for ever.
  async #greetAgain() {
    const { resume, token } = this.#kept;
    let last = new OffhookError('expired', 'there is nothing to log in with');
    for (const one of [resume, token]) {
      if (!one) continue;
      try { return await this.#greet({ token: one }); } catch (error) {
        if (!isOver(error)) throw error;
        last = error;
      }
    }
    if (!this.#options.credentials) throw last;
    return this.#greet(await this.#options.credentials());
  }

  #welcome(hello) {
    this.log.info('agent', `logged in as ${hello.agent.name}`, { owner: hello.owner, contacts: hello.contacts.length });
    // A daemon that keeps no history of an agent leaves it to this tab.
    if (!hello.history?.length) hello.history = this.#stored(STORED_HISTORY, []);
    this.#hello = hello;
    this.#keep({ user: hello.agent.name, token: hello.token, resume: hello.resume });
    this.#isOwner = Boolean(hello.owner);
    this.#setConnection('online');
    if (!this.isAudioOwner()) for (const contact of this.getContacts()) contact.releaseAudio();
    const alive = new Set(hello.contacts.map((one) => one.id));
    for (const id of [...this.#contacts.keys()]) if (!alive.has(id)) this.#contactGone(id);
    for (const one of hello.contacts) this.#takeContact(one);
    this.#takeAgent(hello.agent);
    this.emit('agents', this.getAgents(), this);
    this.emit('audio', this.isAudioOwner(), this);
    this.#desk.refresh();
  }

  #told(told) {
    if (told.told === 'agent') this.#takeAgent(told.agent);
    if (told.told === 'contact') this.#takeContact(told.contact);
    if (told.told === 'contact_gone') this.#contactGone(told.contact);
    if (told.told === 'agents') { this.#hello.agents = told.agents; this.emit('agents', told.agents, this); }
    if (told.told === 'audio') this.#audioMoved(Boolean(told.owner));
    if (told.told === 'bye') return this.#bye(told.reason);
    return this.#desk.refresh();
  }

  #takeAgent(snapshot) {
    this.#snapshot = snapshot;
    this.#stateMayHaveChanged();
  }

  #stateMayHaveChanged() {
    if (!this.#snapshot) return;
    const before = this.#state;
    this.#state = agentState(this.#snapshot, this.getContacts().map((one) => one.snapshot));
    for (const name of agentEvents(before, this.#state)) {
      if (name === 'stateChange') {
        this.log.info('agent', `state ${this.#state.name}`);
        this.emit(name, { agent: this, oldState: before.name, newState: this.#state.name });
      } else this.emit(name, this);
    }
  }

  #takeContact(snapshot) {
    let contact = this.#contacts.get(snapshot.id);
    const isFirst = !contact;
    if (isFirst) {
      contact = new Contact(this.#desk, snapshot);
      this.#contacts.set(snapshot.id, contact);
      // Told before the first state, so that a page can listen to all of them.
      this.emit('contact', contact);
    }
    const before = isFirst ? null : contact.snapshot.state;
    const duration = () => contact.getDuration();
    const events = contact.take(snapshot, isFirst);
    if (before !== snapshot.state) this.log.info('contact', snapshot.state, { contact: snapshot.id, events });
    if (before && events.includes('ended')) this.#remember(contact, duration());
    this.#arrivals.get(snapshot.id)?.(contact);
    this.#arrivals.delete(snapshot.id);
    this.#stateMayHaveChanged();
    const mayAutoAccept = isFirst && contact.isRinging() && this.#snapshot?.auto_accept && snapshot.state === 'connecting';
    if (mayAutoAccept && this.isAudioOwner()) contact.accept().catch(() => {});
  }

  #contactGone(id) {
    const contact = this.#contacts.get(id);
    if (!contact) return;
    this.#contacts.delete(id);
    contact.gone();
    this.#stateMayHaveChanged();
  }

  #remember(contact, duration) {
    const call = {
      at: this.now(), direction: contact.getDirection(), number: contact.getNumber(), queue: contact.getQueue(),
      duration_ms: duration, outcome: contact.snapshot.state !== 'ended' ? contact.snapshot.state : duration > 0 ? 'answered' : 'unanswered',
    };
    this.#hello.history = [call, ...this.getHistory()].slice(0, HISTORY);
    this.#store(STORED_HISTORY, this.#hello.history);
    this.emit('history', this.#hello.history, this);
  }

  #audioMoved(isOwner) {
    this.#isOwner = isOwner;
    for (const contact of this.getContacts()) {
      if (this.isAudioOwner()) contact.attachWhereNeeded();
      else contact.releaseAudio();
    }
    this.emit('audio', this.isAudioOwner(), this);
  }

  async #call(what, given) {
    if (!this.isAudioOwner()) throw notOwner();
    let contact;
    const talk = this.#desk.talk((state) => contact?.audioChanged(talk, state));
    try {
      const sdp = await talk.offer();
      contact = await this.#arrival((await this.#ask(what, { ...given, sdp })).contact);
      if (contact.isLive()) contact.adopt(talk);
      else talk.close();
      return contact;
    } catch (error) {
      talk.close();
      this.log.warn('agent', `${what} failed`, error);
      throw error;
    }
  }

  /** The answer to a request and the snapshot of the new contact may come in either order. */
  #arrival(id) {
    const here = this.#contacts.get(id);
    if (here) return Promise.resolve(here);
    return new Promise((arrived, failed) => {
      const late = setTimeout(() => { this.#arrivals.delete(id); failed(new OffhookError('timeout', 'the contact was never told of')); }, ANSWER_WITHIN);
      this.#arrivals.set(id, (contact) => { clearTimeout(late); arrived(contact); });
    });
  }

  #ask(what, given) {
    if (!this.#wire || this.#connection !== 'online') return Promise.reject(new OffhookError('offline', 'there is no connection to the daemon'));
    return this.#wire.ask(what, given);
  }

  #lost() {
    this.log.warn('agent', 'the connection is lost');
    this.#ringer.stop();
    this.#retryLater();
  }

  #retryLater(error) {
    if (error?.code === 'superseded') return undefined;
    if (error && isOver(error)) return this.#end('expired');
    const wait = backOff(this.#attempt, Math.random());
    this.#attempt += 1;
    this.#setConnection('lost');
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#greetAgain().catch((again) => this.#retryLater(again)), wait);
    return undefined;
  }

  /** At once instead of after the rest of the wait. */
  reconnect() {
    if (this.#connection !== 'lost') return;
    clearTimeout(this.#retry);
    this.#greetAgain().catch((error) => this.#retryLater(error));
  }

  #bye(reason) {
    this.log.info('agent', `the daemon said bye: ${reason}`);
    // A daemon that goes has a successor, and that knows our tokens.
    if (reason === 'drain') { this.#wire.close(); this.#retryLater(); } else this.#end(reason);
  }

  #end(reason) {
    this.#leave();
    this.#forget();
    this.#snapshot = null;
    this.#state = agentState(null);
    this.#hello = {};
    this.#setConnection('offline');
    this.emit('loggedOut', reason, this);
  }

  #leave() {
    clearTimeout(this.#retry);
    this.#wire?.close();
    this.#wire = undefined;
    this.#ringer.stop();
    for (const id of [...this.#contacts.keys()]) this.#contactGone(id);
  }

  #setConnection(state) {
    if (state === this.#connection) return;
    this.#connection = state;
    this.#tick(state === 'online');
    this.emit('connection', state, this);
  }

  #tick(isOn) {
    clearInterval(this.#ticks);
    let second = 0;
    if (isOn) {
      this.#ticks = setInterval(() => {
        second += 1;
        for (const contact of this.getContacts()) {
          void contact.readQuality().then(() => { if (second % 5 === 0) contact.report(); }).catch(() => {});
        }
      }, 1000);
    }
  }

  #ring() {
    const isWanted = this.#options.ringtone && this.isAudioOwner() && this.#connection === 'online' && this.getContacts().some((one) => one.isRinging());
    if (!isWanted) return this.#ringer.stop();
    if (this.#ringer.isOn) return undefined;
    return this.#ringer.start().then((isHeard) => { if (!isHeard) this.emit('ringBlocked', this); }).catch((error) => this.log.error('ringer', 'cannot ring', error));
  }

  async #deviceChosen(kind) {
    for (const contact of this.getContacts()) {
      if (kind === 'microphone') await contact.changeMicrophone();
      if (kind === 'speaker') await contact.changeSpeaker();
    }
    if (kind === 'ringer' && this.#ringer.isOn) { this.#ringer.stop(); this.#ring(); }
  }

  #watchNetwork() {
    const changed = () => {
      this.reconnect();
      this.#wire?.probe();
      for (const contact of this.getContacts()) contact.checkWay();
    };
    globalThis.window?.addEventListener('online', changed);
    globalThis.navigator?.connection?.addEventListener?.('change', changed);
  }

  #stored(name, otherwise) {
    try { return JSON.parse(this.#options.storage.getItem(name)) ?? otherwise; } catch { return otherwise; }
  }

  #store(name, what) {
    try { this.#options.storage.setItem(name, JSON.stringify(what)); } catch { this.log.info('agent', `${name} cannot be kept over a reload`); }
  }

  #keep(what) {
    this.#kept = what;
    this.#store(STORED, what);
  }

  #forget() {
    this.#kept = {};
    for (const name of [STORED, STORED_HISTORY]) {
      try { this.#options.storage.removeItem(name); } catch { /* Where nothing was kept there is nothing to forget. */ }
    }
  }
}

function notOwner() {
  return new OffhookError('not_owner', 'the audio is in another window of this agent');
}

function isOver(error) {
  return ['bad_token', 'expired', 'bad_credentials', 'not_allowed', 'unsupported_version'].includes(error.code);
}

function addressOfPage() {
  const { location } = globalThis;
  return location ? `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/agent` : undefined;
}
