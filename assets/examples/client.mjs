// A client of the gateway's root API, as clients of the old service are written: plain fetch, nothing to install.
//
//   API_KEY=… node client.mjs SESSION RECIPIENT IMAGE_URL [BASE_URL]
//
// It creates the session, waits until a phone has scanned the QR code, sends a text, a picture and a batch, and prints the history.
import { writeFile } from 'node:fs/promises'

const [session, recipient, imageUrl, base = 'http://localhost:3000'] = process.argv.slice(2)
const key = process.env.API_KEY
if (!session || !recipient || !imageUrl || !key) {
  console.error('usage: API_KEY=… node client.mjs SESSION RECIPIENT IMAGE_URL [BASE_URL]')
  process.exit(2)
}

async function call(method, path, body) {
  const response = await fetch(base + path, {
    method,
    headers: { 'x-api-key': key, ...(body && { 'Content-Type': 'application/json' }) },
    body: body && JSON.stringify(body),
  })
  const answer = await response.json()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${answer.error ?? answer.message}`)
  return answer
}

async function createSession() {
  const created = await call('POST', '/sessions/add', { sessionId: session })
  if (created.status === 'AUTHENTICATED') return
  await writeFile('qr.png', Buffer.from(created.qr.split(',')[1], 'base64'))
  console.log('scan qr.png with WhatsApp: Settings, Linked devices')
}

async function waitUntilLinked() {
  for (;;) {
    const { status } = await call('GET', `/sessions/${session}/status`)
    if (status === 'AUTHENTICATED') return
    await new Promise(resolve => setTimeout(resolve, 500))
  }
}

const send = message => call('POST', `/${session}/messages/send`, { jid: recipient, type: 'number', message })

async function sendBatch(texts) {
  const batch = texts.map(text => ({ jid: recipient, type: 'number', message: { text } }))
  const { results, errors } = await call('POST', `/${session}/messages/send/bulk`, batch)
  console.log(`batch: ${results.length} sent, ${errors.length} failed`)
}

async function printHistory() {
  const { data, total } = await call('GET', `/${session}/chats/${recipient}?page=1&limit=10`)
  console.log(`history: ${total}`)
  for (const m of data) console.log(`${m.direction} ${m.messageType}: ${m.message}`)
}

await createSession()
await waitUntilLinked()
console.log('linked')
console.log('text:', (await send({ text: 'Hello from Node' })).data.key.id)
console.log('picture:', (await send({ image: { url: imageUrl }, caption: 'A picture' })).data.key.id)
await sendBatch(['First of the batch', 'Second of the batch'])
await printHistory()
