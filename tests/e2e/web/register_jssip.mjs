// Registers with unmodified JsSIP over WebSocket, calls nobody, unregisters. Prints what happened, one word a line.
import ws from 'ws';
globalThis.WebSocket = ws;
const { default: JsSIP } = await import('jssip');

const [url, user, password] = process.argv.slice(2);
const agent = new JsSIP.UA({
  sockets: [new JsSIP.WebSocketInterface(url)],
  uri: `sip:${user}@offhook.test`,
  password,
  register_expires: 120,
  session_timers: true,
});
const end = (code) => { agent.stop(); setTimeout(() => process.exit(code), 200); };
agent.on('registered', () => { console.log('registered'); agent.unregister(); });
agent.on('unregistered', () => { console.log('unregistered'); end(0); });
agent.on('registrationFailed', (e) => { console.log(`failed ${e.response?.status_code ?? e.cause}`); end(1); });
agent.start();
setTimeout(() => { console.log('nothing happened'); end(2); }, 10000);
