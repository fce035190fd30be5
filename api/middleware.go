package api

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/julienschmidt/httprouter"
)

// outside is the wall around everything: a panic becomes a fixed sentence, a foreign Host or origin stays out. It gets a *recorder.
func (a *api) outside(next http.Handler) http.Handler {
	origins := http.NewCrossOriginProtection()
	a.CORSOrigins = slices.DeleteFunc(slices.Clone(a.CORSOrigins), func(one string) bool {
		err := origins.AddTrustedOrigin(one)
		if err != nil {
			a.Log.Warn("CORS_ORIGIN holds what is no origin such as https://app.example.com, which is ignored")
		}
		return err != nil
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer a.recovered(w.(*recorder), r)
		a.headers(w, r)
		switch {
		case !a.hostAllowed(r.Host) && !bySocket(r):
			writeProblem(w, r.URL.Path, fail(http.StatusForbidden, "host_refused", "This host name is not served here", "Call it as localhost, or add the name to the allowed hosts."))
		case origins.Check(r) != nil:
			writeProblem(w, r.URL.Path, fail(http.StatusForbidden, "origin_refused", "Web pages of other origins may not call this", ""))
		case a.preflight(r):
			w.Header().Set("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE")
			w.Header().Set("Access-Control-Allow-Headers", "Authorization, X-Api-Key, Content-Type, Idempotency-Key, Prefer")
			_ = nothing(w)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// headers says no to everything a browser might do with an answer of ours.
func (a *api) headers(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	if len(a.CORSOrigins) == 0 {
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		return
	}
	h.Add("Vary", "Origin")
	if origin := r.Header.Get("Origin"); a.mayCall(origin) {
		h.Set("Access-Control-Allow-Origin", origin)
	}
}

// mayCall tells whether pages of this origin may call from a browser.
func (a *api) mayCall(origin string) bool { return slices.Contains(a.CORSOrigins, origin) }

func (a *api) preflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && a.mayCall(r.Header.Get("Origin")) && r.Header.Get("Access-Control-Request-Method") != ""
}

// bySocket tells whether a request came through a Unix socket. Browsers, and so rebound names, reach none.
func bySocket(r *http.Request) bool {
	at, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return ok && at.Network() == "unix"
}

// hostAllowed compares the parsed name, so that neither 127.0.0.1.evil.example nor a rebound name gets in.
func (a *api) hostAllowed(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
	if ip, err := netip.ParseAddr(host); err == nil && ip.Unmap().IsLoopback() {
		return true
	}
	if host == "localhost" || slices.ContainsFunc(a.Hosts, func(h string) bool { return strings.EqualFold(h, host) }) {
		return true
	}
	return a.KnownHost != nil && a.KnownHost(host)
}

// recovered turns a panic into the fixed sentence, unless an answer had begun: then the connection is cut.
func (a *api) recovered(w *recorder, r *http.Request) {
	reason := recover()
	if reason == nil {
		return
	}
	if err, ok := reason.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(reason)
	}
	a.Log.Error("a request panicked", "method", r.Method, "reason", reason, "stack", string(debug.Stack()))
	if w.status != 0 {
		panic(http.ErrAbortHandler)
	}
	writeProblem(w, r.URL.Path, problemOf(errPanic))
}

var errPanic = errors.New("panic")

// stray answers what no route takes; an Allow header, set by the router, makes it a 405. No key is looked at here.
func (a *api) stray(w http.ResponseWriter, r *http.Request) {
	if err := a.paced(r, false); err != nil {
		writeProblem(w, r.URL.Path, problemOf(err))
		return
	}
	if w.Header().Get("Allow") != "" {
		writeProblem(w, r.URL.Path, fail(http.StatusMethodNotAllowed, "method_not_allowed", "Method "+r.Method+" is not allowed for "+r.URL.Path, ""))
		return
	}
	writeProblem(w, r.URL.Path, fail(http.StatusNotFound, "route_not_found", "Route "+r.Method+" "+r.URL.Path+" not found", "The routes are listed at /docs."))
}

// serve is the way of every request: who is it, may they, on which session; then the handler; then its error, in one place.
func (a *api) serve(route Route) httprouter.Handle {
	return func(w http.ResponseWriter, r *http.Request, ps httprouter.Params) {
		began := time.Now()
		if rec, ok := w.(*recorder); ok {
			rec.class = classOf(route.Path)
		}
		a.patience(w, route)
		req := &request{Request: r, route: route, params: decoded(ps)}
		err := a.answer(w, req)
		if err != nil {
			a.failed(w, req, err)
		}
		a.logged(req, statusWritten(w), time.Since(began))
	}
}

// logged writes down a request, with the session that it is about when its caller may act on that.
func (a *api) logged(r *request, status int, took time.Duration) {
	what := []any{"method", r.Method, "route", r.route.Path, "status", status, "took", took}
	if r.session != nil {
		what = append(what, "session", r.session.ID)
	}
	a.Log.Debug("request", what...)
}

// answer lets a request in, and its handler work.
func (a *api) answer(w http.ResponseWriter, r *request) error {
	if err := a.phase.enter(r); err != nil {
		return err
	}
	defer a.phase.leave()
	if err := a.admit(r); err != nil {
		return err
	}
	return r.route.handle(a, w, r)
}

// failed writes the error of a handler. What is our own fault goes to the log with its cause.
func (a *api) failed(w http.ResponseWriter, r *request, err error) {
	p := problemOf(err)
	if p.Status == http.StatusInternalServerError || p.Status == http.StatusInsufficientStorage {
		a.Log.Error("request failed", "method", r.Method, "route", r.route.Path, "err", err)
	}
	writeProblem(w, r.URL.Path, p)
}

// patience gives waiting routes and large bodies the time that the server's own limits would not.
func (a *api) patience(w http.ResponseWriter, route Route) {
	rc, now := http.NewResponseController(w), time.Now()
	if route.Body == MediaBody {
		_ = rc.SetReadDeadline(now.Add(10 * time.Minute))
	}
	_ = rc.SetWriteDeadline(now.Add(a.longest()))
}

// longest bounds every wait of a handler, with a margin to write the answer in.
func (a *api) longest() time.Duration {
	return max(a.QRWait, a.SendWait, time.Minute) + time.Minute
}

// recorder remembers which status was written, 0 means none yet, and what kind of route was asked.
type recorder struct {
	http.ResponseWriter
	status int
	class  class
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func statusWritten(w http.ResponseWriter) int {
	if rec, ok := w.(*recorder); ok {
		return rec.status
	}
	return 0
}
