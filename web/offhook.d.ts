// Types of offhook.js. The names of the agents' protocol stay as the daemon has them: snake_case inside snapshots.

export const PROTOCOL: number;

export type ContactState = 'incoming' | 'pending' | 'connecting' | 'connected' | 'missed' | 'error' | 'ended';
export type Direction = 'inbound' | 'outbound' | 'callback';
export type Activity = 'available' | 'incoming' | 'on_contact' | 'acw' | 'missed' | 'error' | 'custom' | 'offline';
export type StatusKind = 'routable' | 'custom' | 'offline';
export type ConnectionState = 'offline' | 'connecting' | 'online' | 'lost';
export type AudioState = 'none' | 'connecting' | 'connected' | 'lost';
export type Grade = 'none' | 'good' | 'fair' | 'poor';
export type DeviceKind = 'microphone' | 'speaker' | 'ringer';
export type LogLevel = 'TEST' | 'TRACE' | 'DEBUG' | 'INFO' | 'LOG' | 'WARN' | 'ERROR' | 'CRITICAL';
export type Off = () => void;

export interface Status { name: string; kind: StatusKind }
export interface Colleague { name: string; status: string; activity: Activity }
export interface QuickConnect { name: string; to: string; kind: 'number' | 'agent' | 'queue' }
export interface Call { at: number; direction: Direction; number: string; queue: string | null; duration_ms: number; outcome: string }

export interface AgentSnapshot {
  name: string;
  status: string;
  status_kind: StatusKind;
  status_since: number;
  next_status: string | null;
  activity: Activity;
  auto_accept: boolean;
}

export interface ContactSnapshot {
  id: string;
  direction: Direction;
  state: ContactState;
  since: number;
  held: boolean;
  muted: boolean;
  consults: string | null;
  from: string | null;
  to: string | null;
  name: string | null;
  queue: string | null;
  waited_ms: number | null;
  attributes: Record<string, unknown>;
  offer: string | null;
  answer: string | null;
  needs_attach: boolean;
  acw_until: number | null;
  ended: { cause: string; text: string } | null;
}

export interface AgentState {
  /** The status, or Init, PendingBusy, CallingCustomer, Busy, AfterCallWork, MissedCallAgent, Error. */
  name: string;
  type: StatusKind | 'system';
  since: number;
  activity: Activity;
}

/** `loss` is a share of 1; levels are 0 to 1; `packets` is what arrived since the reading before. */
export interface Quality { rtt_ms: number; jitter_ms: number; loss: number; level: number; heard: number; packets: number }

export class OffhookError extends Error {
  /** A code of the daemon's (bad_credentials, wrong_state …) or offline, unreachable, timeout, insecure, microphone_denied, microphone_missing, microphone_busy. */
  readonly code: string;
  readonly at?: string;
}

export interface ContactEvents {
  init: [Contact];
  refresh: [Contact];
  incoming: [Contact];
  pending: [Contact];
  accepted: [Contact];
  connecting: [Contact];
  connected: [Contact];
  missed: [Contact];
  acw: [Contact];
  ended: [Contact];
  destroyed: [Contact];
  error: [Contact];
  held: [Contact];
  resumed: [Contact];
  muted: [Contact];
  unmuted: [Contact];
  audio: [AudioState, Contact];
  quality: [Quality, Contact];
  /** Something that was asked of this contact was refused or failed; the promise is refused as well. */
  fault: [OffhookError, Contact];
}

export interface AgentEvents {
  stateChange: [{ agent: Agent; oldState: string; newState: string }];
  routable: [Agent];
  offline: [Agent];
  afterCallWork: [Agent];
  error: [Agent];
  refresh: [Agent];
  contact: [Contact];
  agents: [Colleague[], Agent];
  history: [Call[], Agent];
  /** Whether this window has the agent's audio. */
  audio: [boolean, Agent];
  connection: [ConnectionState, Agent];
  /** Milliseconds to the daemon and back. */
  latency: [number, Agent];
  playbackBlocked: [Agent];
  ringBlocked: [Agent];
  /** logout, replaced or expired: there is no coming back without a login. */
  loggedOut: [string, Agent];
}

type Told<Events, Name extends keyof Events> = Events[Name] extends unknown[] ? (...given: Events[Name]) => void : never;

declare class Emitter<Events> {
  on<Name extends keyof Events>(name: Name, listener: Told<Events, Name>): Off;
  once<Name extends keyof Events>(name: Name, listener: Told<Events, Name>): Off;
  off<Name extends keyof Events>(name: Name, listener: Told<Events, Name>): void;
}

export class Log {
  constructor(options?: { echoLevel?: LogLevel; console?: Pick<Console, 'warn' | 'error'> | null });
  write(level: LogLevel, component: string, text: string, details?: unknown): void;
  entries(options?: { level?: LogLevel }): Array<{ time: string; level: LogLevel; component: string; text: string; exception?: string; details?: unknown }>;
  text(options?: { level?: LogLevel }): string;
  download(options?: { logName?: string; filterByLogLevel?: LogLevel }): void;
}

export class Devices extends Emitter<{ change: []; chosen: [DeviceKind] }> {
  constructor(log: Log);
  readonly canChooseOutput: boolean;
  chosen(kind: DeviceKind): string;
  list(): Promise<Record<DeviceKind, Array<{ id: string; label: string }>>>;
  choose(kind: DeviceKind, id: string): Promise<void>;
  /** Tells the microphone's level about fifteen times a second, until the function it gives is called. */
  meter(listener: (level: number) => void): Promise<Off>;
  test(kind: 'speaker' | 'ringer'): Promise<void>;
}

export class Contact extends Emitter<ContactEvents> {
  private constructor();
  readonly id: string;
  readonly snapshot: ContactSnapshot;
  readonly quality: Quality | null;
  readonly isAccepting?: boolean;
  getContactId(): string;
  getState(): { type: ContactState; since: number; held: boolean; muted: boolean };
  getStateDuration(): number;
  getDuration(): number;
  getDirection(): Direction;
  isInbound(): boolean;
  isLive(): boolean;
  isRinging(): boolean;
  isOnHold(): boolean;
  isMuted(): boolean;
  getQueue(): string | null;
  getWaited(): number | null;
  getName(): string | null;
  getNumber(): string | null;
  getOwnNumber(): string | null;
  getAttributes(): Record<string, unknown>;
  getAttribute(name: string): unknown;
  getConsulted(): string | null;
  getAcwUntil(): number | null;
  getEnd(): { cause: string; text: string } | null;
  getAudioState(): AudioState;
  accept(): Promise<void>;
  reject(): Promise<void>;
  hangUp(): Promise<void>;
  hold(): Promise<void>;
  resume(): Promise<void>;
  mute(): Promise<void>;
  unmute(): Promise<void>;
  dtmf(digits: string): Promise<void>;
  transfer(to: string): Promise<void>;
  consult(to: string): Promise<Contact>;
  complete(): Promise<void>;
  clear(): Promise<void>;
  attach(): Promise<void>;
  play(): Promise<void> | undefined;
}

export interface AgentOptions {
  /** `ws:` or `wss:` address of the daemon, by default `/agent` where the page came from. */
  url?: string;
  /** false: a panel that shows and commands, without audio. */
  media?: boolean;
  language?: string;
  /** false: the page rings by itself. */
  ringtone?: boolean;
  /** Asked for a token of your own sign-on whenever the session is over. */
  credentials?: () => Promise<{ token: string }> | { token: string };
  /** Where the way back after a reload is kept: sessionStorage unless said otherwise. */
  storage?: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;
  log?: Log;
}

export class Agent extends Emitter<AgentEvents> {
  constructor(options?: AgentOptions);
  readonly log: Log;
  readonly devices: Devices;
  readonly latency?: number;
  login(credentials: { user: string; password: string } | { token: string }): Promise<void>;
  restore(): Promise<boolean>;
  logout(): Promise<void>;
  close(): void;
  takeAudio(): Promise<void>;
  /** Lets rings and voices sound after `playbackBlocked` or `ringBlocked`. Call it from a click. */
  unblock(): void;
  reconnect(): void;
  getConnection(): ConnectionState;
  isAudioOwner(): boolean;
  now(): number;
  getName(): string | undefined;
  getState(): AgentState;
  getStateDuration(): number;
  getStatus(): string | undefined;
  getNextState(): string | null;
  getStates(): Status[];
  getAgentStates(): Status[];
  getSnapshot(): AgentSnapshot | null;
  setState(state: string | { name: string }): Promise<unknown>;
  cancelNextState(): Promise<unknown>;
  onStateChange(listener: (change: { agent: Agent; oldState: string; newState: string }) => void): Off;
  onRoutable(listener: (agent: Agent) => void): Off;
  onOffline(listener: (agent: Agent) => void): Off;
  onAfterCallWork(listener: (agent: Agent) => void): Off;
  onError(listener: (agent: Agent) => void): Off;
  onRefresh(listener: (agent: Agent) => void): Off;
  onContact(listener: (contact: Contact) => void): Off;
  getContacts(): Contact[];
  getContact(id: string): Contact | undefined;
  getCallerIds(): string[];
  getQuickConnects(): QuickConnect[];
  getAgents(): Colleague[];
  getHistory(): Call[];
  getLog(): Log;
  dial(number: string, options?: { callerId?: string }): Promise<Contact>;
  connect(endpoint: string | { number: string }, options?: { callerId?: string }): Promise<Contact>;
}

export const LEVELS: LogLevel[];
export function contactEvents(before: ContactSnapshot | null, after: ContactSnapshot | null): string[];
export function agentState(agent: AgentSnapshot | null, contacts?: ContactSnapshot[]): AgentState;
export function agentEvents(before: AgentState | null, after: AgentState): string[];
export function rings(contact: ContactSnapshot | null): boolean;
export function backOff(attempt: number, chance: number): number;
export function scoreOf(quality: Partial<Quality>): number;
export function gradeOf(quality: Quality | null): Grade;
export function qualityBetween(before: object | undefined, now: object): Quality;
