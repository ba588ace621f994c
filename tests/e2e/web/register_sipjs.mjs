// Registers with unmodified SIP.js over WebSocket and unregisters. Prints what happened, one word a line.
import ws from 'ws';
globalThis.WebSocket = ws;
const { UserAgent, Registerer, RegistererState } = await import('sip.js');

const [url, user, password] = process.argv.slice(2);
const agent = new UserAgent({
  uri: UserAgent.makeURI(`sip:${user}@offhook.test`),
  transportOptions: { server: url },
  authorizationUsername: user,
  authorizationPassword: password,
  logLevel: 'error',
});
await agent.start();
const registerer = new Registerer(agent, { expires: 120 });
registerer.stateChange.addListener(async (state) => {
  if (state === RegistererState.Registered) { console.log('registered'); setTimeout(() => registerer.unregister(), 0); }
  if (state === RegistererState.Unregistered) { console.log('unregistered'); await agent.stop(); process.exit(0); }
});
await registerer.register({ requestDelegate: { onReject: (r) => { console.log(`failed ${r.message.statusCode}`); process.exit(1); } } });
setTimeout(() => { console.log('nothing happened'); process.exit(2); }, 10000);
