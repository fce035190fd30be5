// An unmodified Baileys as a client of the sandbox: the check that the sandbox is honest. It is driven by lines of JSON on
// standard input and tells what happens on standard output, a line of JSON each.
import { syncBuiltinESMExports } from 'node:module'
import { createInterface } from 'node:readline'
import tls from 'node:tls'

// Whatever host is asked for, the sandbox is dialled. NODE_EXTRA_CA_CERTS makes its authority known.
const [host, port] = process.env.WHATSAPP_ENDPOINT.split(':')
const connect = tls.connect
tls.connect = (...args) => {
  const options = args.find(a => a !== null && typeof a === 'object')
  if (options?.host) args = [{ ...options, servername: options.servername || options.host, host, port }, ...args.filter(a => typeof a === 'function')]
  return connect(...args)
}
syncBuiltinESMExports()

console.log = console.info = console.error // its Signal library prints what it does

const baileys = await import('@whiskeysockets/baileys')
baileys.WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(process.env.WHATSAPP_ROOT_KEY, 'hex')

const silent = { level: 'silent', child: () => silent }
for (const level of ['trace', 'debug', 'info', 'warn', 'error', 'fatal']) {
  silent[level] = process.env.DEBUG ? (...a) => console.error(level, ...a) : () => {}
}

const tell = event => process.stdout.write(JSON.stringify(event) + '\n')
const { state, saveCreds } = await baileys.useMultiFileAuthState('auth')
const sent = new Map() // what a retry receipt may ask for again
let socket

function open() {
  socket = baileys.makeWASocket({
    auth: state,
    logger: silent,
    getMessage: async key => sent.get(key.id),
    syncFullHistory: false,
  })
  socket.ev.on('creds.update', saveCreds)
  socket.ev.on('connection.update', ({ qr, connection, lastDisconnect }) => {
    if (qr) tell({ event: 'qr', qr })
    if (connection === 'open') tell({ event: 'open', jid: socket.user.id, lid: socket.user.lid })
    if (connection !== 'close') return
    const reason = lastDisconnect?.error?.output?.statusCode
    tell({ event: 'close', reason })
    if (reason === baileys.DisconnectReason.restartRequired) open()
  })
  socket.ev.on('messages.upsert', ({ messages }) => messages.forEach(hear))
  socket.ev.on('groups.upsert', groups => groups.forEach(g => tell({ event: 'group', id: g.id, subject: g.subject })))
}

async function hear(m) {
  const content = baileys.extractMessageContent(m.message)
  const kind = baileys.getContentType(content)
  const event = { event: 'message', id: m.key.id, chat: m.key.remoteJid, fromMe: m.key.fromMe, participant: m.key.participant, kind }
  event.text = content?.conversation ?? content?.extendedTextMessage?.text ?? content?.[kind]?.caption
  if (content?.[kind]?.mediaKey) {
    try {
      event.media = (await baileys.downloadMediaMessage(m, 'buffer', {}, { logger: silent, reuploadRequest: socket.updateMediaMessage })).toString('base64')
    } catch (error) {
      event.error = String(error)
    }
  }
  tell(event)
}

async function send(to, content) {
  const m = await socket.sendMessage(to, content)
  sent.set(m.key.id, m.message)
  return { id: m.key.id }
}

const orders = {
  code: async ({ phone }) => ({ code: await socket.requestPairingCode(phone) }),
  text: ({ to, text }) => send(to, { text }),
  image: ({ to, data, caption }) => send(to, { image: Buffer.from(data, 'base64'), caption, jpegThumbnail: '' }),
  groups: async () => ({ groups: Object.keys(await socket.groupFetchAllParticipating()) }),
}

open()
for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line)
  try {
    tell({ event: 'done', order: order.order, ...(await orders[order.order](order)) })
  } catch (error) {
    tell({ event: 'failed', order: order.order, error: String(error?.stack ?? error) })
  }
}
process.exit(0)
