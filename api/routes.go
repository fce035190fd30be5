package api

import (
	"net/http"
	"strings"

	"wamux/store"
)

// Route is one row of the API: what is called, who may, and who answers.
type Route struct {
	Method string
	Path   string      // httprouter's pattern; a parameter begins with a colon
	Scope  store.Scope // what a key needs; "" means that no key is needed
	Reach  Reach       // which session it is about
	Body   Body        // what it takes
	handle handler
}

// Reach says which session a route is about, and so which keys that are bound to sessions may call it.
type Reach int

// The reaches of a route.
const (
	NoSession    Reach = iota // about none: keys bound to sessions are refused
	EachSession               // about all: the answer holds only those the key may see
	ThisSession               // the one in the path, which must exist
	MaybeSession              // the one in the path; the handler answers for a missing one itself
	QuerySession              // the one in ?sessionId=, as the old service had it
)

// Body says what a route reads.
type Body int

// The bodies of a route.
const (
	NoBody    Body = iota // none; one that comes is not read
	JSONBody              // JSON up to 1 MiB
	MediaBody             // JSON with media in it: the limit follows MaxFileSize
)

// Routes lists all routes, those of the sandbox too, so that the document and the tests can walk them.
func Routes() []Route {
	return append(append(rootRoutes(), v1Routes()...), sandboxRoutes()...)
}

const sessionPath = "/v1/sessions/:s"

func rootRoutes() []Route {
	return []Route{
		{"GET", "/healthz", "", NoSession, NoBody, (*api).health},
		{"GET", "/readyz", "", NoSession, NoBody, (*api).ready},
		{"GET", "/metrics", store.ScopeMetrics, NoSession, NoBody, (*api).metrics},
		{"GET", "/docs", "", NoSession, NoBody, (*api).docsPage},
		{"GET", "/status", "", EachSession, NoBody, (*api).status},
		{"GET", "/qr", store.ScopeManage, QuerySession, NoBody, (*api).queryQR},
		{"GET", "/sessions", store.ScopeRead, EachSession, NoBody, (*api).sessionList},
		{"GET", "/sessions-history", store.ScopeRead, EachSession, NoBody, (*api).sessionHistory},
		{"POST", "/sessions/add", store.ScopeManage, NoSession, JSONBody, (*api).sessionAdd},
		{"GET", "/sessions/:sessionId", store.ScopeRead, ThisSession, NoBody, (*api).sessionFound},
		{"DELETE", "/sessions/:sessionId", store.ScopeManage, ThisSession, NoBody, (*api).sessionDelete},
		{"GET", "/sessions/:sessionId/status", store.ScopeRead, MaybeSession, NoBody, (*api).sessionStatus},
		{"GET", "/sessions/:sessionId/qr", store.ScopeManage, ThisSession, NoBody, (*api).sessionQR},
		{"GET", "/sessions/:sessionId/credentials", store.ScopeRead, ThisSession, NoBody, (*api).credentials},
		{"POST", "/:sessionId/messages/send", store.ScopeSend, MaybeSession, MediaBody, (*api).send},
		{"POST", "/:sessionId/messages/poll", store.ScopeSend, MaybeSession, JSONBody, (*api).sendPoll},
		{"POST", "/:sessionId/messages/send/bulk", store.ScopeSend, MaybeSession, MediaBody, (*api).sendBulk},
		{"GET", "/:sessionId/chats", store.ScopeRead, ThisSession, NoBody, (*api).chatHistory},
		{"GET", "/:sessionId/chats/:jid", store.ScopeRead, ThisSession, NoBody, (*api).chatHistory},
		{"GET", "/:sessionId/contacts", store.ScopeRead, ThisSession, NoBody, (*api).contactList},
		{"GET", "/:sessionId/groups", store.ScopeRead, ThisSession, NoBody, (*api).groupList},
	}
}

func v1Routes() []Route {
	return []Route{
		{"GET", "/v1/version", store.ScopeRead, EachSession, NoBody, (*api).v1Version},
		{"GET", "/v1/stats", store.ScopeMetrics, NoSession, NoBody, (*api).v1Stats},
		{"GET", "/v1/backup", store.ScopeAdmin, NoSession, NoBody, (*api).v1Backup},
		{"GET", "/v1/openapi.json", "", NoSession, NoBody, (*api).v1OpenAPI},
		{"GET", "/v1/keys", store.ScopeAdmin, NoSession, NoBody, (*api).v1Keys},
		{"POST", "/v1/keys", store.ScopeAdmin, NoSession, JSONBody, (*api).v1KeyAdd},
		{"DELETE", "/v1/keys/:k", store.ScopeAdmin, NoSession, NoBody, (*api).v1KeyRevoke},
		{"GET", "/v1/seal", store.ScopeAdmin, NoSession, NoBody, (*api).v1Seal},
		{"GET", "/v1/seal/check", store.ScopeAdmin, NoSession, NoBody, (*api).v1SealCheck},
		{"POST", "/v1/seal/seal", store.ScopeAdmin, NoSession, NoBody, (*api).v1SealOn},
		{"POST", "/v1/seal/unseal", store.ScopeAdmin, NoSession, NoBody, (*api).v1SealOff},
		{"POST", "/v1/seal/rotate", store.ScopeAdmin, NoSession, NoBody, (*api).v1SealRotate},
		{"GET", "/v1/events", store.ScopeRead, EachSession, NoBody, (*api).v1Events},
		{"GET", "/v1/sessions", store.ScopeRead, EachSession, NoBody, (*api).v1Sessions},
		{"POST", "/v1/sessions", store.ScopeManage, NoSession, JSONBody, (*api).v1SessionAdd},
		{"GET", sessionPath, store.ScopeRead, ThisSession, NoBody, (*api).v1Session},
		{"DELETE", sessionPath, store.ScopeManage, ThisSession, NoBody, (*api).v1SessionDelete},
		{"POST", sessionPath + "/start", store.ScopeManage, ThisSession, NoBody, (*api).v1Start},
		{"POST", sessionPath + "/stop", store.ScopeManage, ThisSession, NoBody, (*api).v1Stop},
		{"POST", sessionPath + "/restart", store.ScopeManage, ThisSession, NoBody, (*api).v1Restart},
		{"POST", sessionPath + "/logout", store.ScopeManage, ThisSession, NoBody, (*api).v1Logout},
		{"POST", sessionPath + "/undelete", store.ScopeManage, ThisSession, NoBody, (*api).v1Undelete},
		{"GET", sessionPath + "/qr", store.ScopeManage, ThisSession, NoBody, (*api).v1QR},
		{"POST", sessionPath + "/pairing-code", store.ScopeManage, ThisSession, JSONBody, (*api).v1PairingCode},
		{"GET", sessionPath + "/messages", store.ScopeRead, ThisSession, NoBody, (*api).v1Messages},
		{"POST", sessionPath + "/messages", store.ScopeSend, ThisSession, MediaBody, (*api).v1Send},
		{"GET", sessionPath + "/messages/:m", store.ScopeRead, ThisSession, NoBody, (*api).v1Message},
		{"GET", sessionPath + "/jobs/:j", store.ScopeRead, ThisSession, NoBody, (*api).v1Job},
		{"DELETE", sessionPath + "/jobs/:j", store.ScopeSend, ThisSession, NoBody, (*api).v1JobCancel},
		{"GET", sessionPath + "/batches/:b", store.ScopeRead, ThisSession, NoBody, (*api).v1Batch},
		{"DELETE", sessionPath + "/batches/:b", store.ScopeSend, ThisSession, NoBody, (*api).v1BatchCancel},
	}
}

const (
	phonePath = "/v1/sandbox/phones/:phone"
	groupPath = "/v1/sandbox/groups/:group"
)

func sandboxRoutes() []Route {
	return []Route{
		{"GET", "/v1/sandbox/phones", store.ScopeAdmin, NoSession, NoBody, (*api).sandboxPhones},
		{"POST", "/v1/sandbox/phones", store.ScopeAdmin, NoSession, JSONBody, (*api).sandboxPhoneAdd},
		{"GET", phonePath, store.ScopeAdmin, NoSession, NoBody, (*api).sandboxPhone},
		{"POST", phonePath + "/scan", store.ScopeAdmin, NoSession, JSONBody, (*api).sandboxScan},
		{"POST", phonePath + "/code", store.ScopeAdmin, NoSession, JSONBody, (*api).sandboxCode},
		{"GET", phonePath + "/messages", store.ScopeAdmin, NoSession, NoBody, (*api).sandboxInbox},
		{"GET", phonePath + "/messages/:seq/media", store.ScopeAdmin, NoSession, NoBody, (*api).sandboxMedia},
		{"POST", phonePath + "/messages", store.ScopeAdmin, NoSession, MediaBody, (*api).sandboxSend},
		{"POST", phonePath + "/messages:bulk", store.ScopeAdmin, NoSession, MediaBody, (*api).sandboxSendBulk},
		{"POST", phonePath + "/read", store.ScopeAdmin, NoSession, JSONBody, (*api).sandboxRead},
		{"POST", phonePath + "/typing", store.ScopeAdmin, NoSession, JSONBody, (*api).sandboxTyping},
		{"POST", phonePath + "/presence", store.ScopeAdmin, NoSession, JSONBody, (*api).sandboxPresence},
		{"POST", phonePath + "/changes", store.ScopeAdmin, NoSession, JSONBody, (*api).sandboxChange},
		{"GET", phonePath + "/calls", store.ScopeAdmin, NoSession, NoBody, (*api).sandboxCalls},
		{"POST", phonePath + "/calls", store.ScopeAdmin, NoSession, JSONBody, (*api).sandboxCall},
		{"DELETE", phonePath + "/calls/:call", store.ScopeAdmin, NoSession, NoBody, (*api).sandboxCallEnd},
		{"POST", phonePath + "/block", store.ScopeAdmin, NoSession, JSONBody, (*api).sandboxBlock},
		{"POST", phonePath + "/profile", store.ScopeAdmin, NoSession, JSONBody, (*api).sandboxProfile},
		{"POST", phonePath + "/unlink", store.ScopeAdmin, NoSession, NoBody, (*api).sandboxUnlink},
		{"GET", "/v1/sandbox/groups", store.ScopeAdmin, NoSession, NoBody, (*api).sandboxGroups},
		{"POST", "/v1/sandbox/groups", store.ScopeAdmin, NoSession, JSONBody, (*api).sandboxGroupAdd},
		{"GET", groupPath, store.ScopeAdmin, NoSession, NoBody, (*api).sandboxGroup},
		{"POST", groupPath + "/members", store.ScopeAdmin, NoSession, JSONBody, (*api).sandboxGroupMembers},
		{"POST", groupPath + "/settings", store.ScopeAdmin, NoSession, JSONBody, (*api).sandboxGroupSettings},
		{"GET", groupPath + "/invite", store.ScopeAdmin, NoSession, NoBody, (*api).sandboxGroupInvite},
		{"GET", "/v1/sandbox/newsletters", store.ScopeAdmin, NoSession, NoBody, (*api).sandboxNewsletters},
		{"POST", "/v1/sandbox/newsletters", store.ScopeAdmin, NoSession, JSONBody, (*api).sandboxNewsletterAdd},
		{"POST", "/v1/sandbox/newsletters/:newsletter/messages", store.ScopeAdmin, NoSession, MediaBody, (*api).sandboxPost},
		{"GET", "/v1/sandbox/faults", store.ScopeAdmin, NoSession, NoBody, (*api).sandboxFaults},
		{"POST", "/v1/sandbox/faults", store.ScopeAdmin, NoSession, JSONBody, (*api).sandboxFault},
		{"DELETE", "/v1/sandbox/faults", store.ScopeAdmin, NoSession, NoBody, (*api).sandboxFaultsClear},
		{"GET", "/v1/sandbox/traffic", store.ScopeAdmin, NoSession, NoBody, (*api).sandboxTraffic},
		{"POST", "/v1/sandbox/clock", store.ScopeAdmin, NoSession, JSONBody, (*api).sandboxClock},
		{"POST", "/v1/sandbox/reset", store.ScopeAdmin, NoSession, NoBody, (*api).sandboxReset},
	}
}

// handler answers one route. What it returns is written by the one writer of errors, in the shape of the route's API.
type handler func(*api, http.ResponseWriter, *request) error

// isV1 tells which of the two APIs a path belongs to.
func isV1(path string) bool { return path == "/v1" || strings.HasPrefix(path, "/v1/") }
