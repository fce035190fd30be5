package api

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/julienschmidt/httprouter"
)

// router finds the route of a request. httprouter 1.3 panics on a fixed segment beside a parameter (/sessions/add and
// /:sessionId/messages/send), so the routes are spread over three of its trees, asked one after the other through NotFound.
// Its silent redirects are off: a client of the old service never saw one, and a redirected POST loses its body.
type router struct {
	v1    *httprouter.Router
	fixed *httprouter.Router // the first segment is a word
	free  *httprouter.Router // the first segment is a session id
	stray http.Handler       // answers what no tree knows
}

func newRouter(stray http.Handler) *router {
	rt := &router{v1: plainRouter(), fixed: plainRouter(), free: plainRouter(), stray: stray}
	rt.fixed.NotFound = rt.free
	rt.free.NotFound = http.HandlerFunc(rt.unknown)
	rt.v1.NotFound = http.HandlerFunc(rt.unknown)
	return rt
}

func plainRouter() *httprouter.Router { return &httprouter.Router{} }

// ServeHTTP sends HEAD where GET goes; net/http drops the body. Routes are found by the path as it was sent, so that an
// encoded slash stays inside its segment: /sessions/..%2fetc asks for an odd session id, not for another route.
func (rt *router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r = r.Clone(r.Context())
	r.URL.Path = r.URL.EscapedPath()
	if r.Method == http.MethodHead {
		r.Method = http.MethodGet
	}
	rt.first(r.URL.Path).ServeHTTP(w, r)
}

// decoded makes the parameters what they were before they were put into a URL.
func decoded(ps httprouter.Params) httprouter.Params {
	for i := range ps {
		if plain, err := url.PathUnescape(ps[i].Value); err == nil {
			ps[i].Value = plain
		}
	}
	return ps
}

func (rt *router) first(path string) *httprouter.Router {
	if isV1(path) {
		return rt.v1
	}
	return rt.fixed
}

func (rt *router) add(route Route, h httprouter.Handle) {
	tree := rt.first(route.Path)
	if strings.HasPrefix(route.Path, "/:") {
		tree = rt.free
	}
	tree.Handle(route.Method, route.Path, literal(route.Path, h, rt.unknown))
}

// literal makes a colon inside a segment (messages:bulk) mean itself, though httprouter takes it for a parameter.
func literal(path string, h httprouter.Handle, unknown http.HandlerFunc) httprouter.Handle {
	head, verb, found := strings.Cut(path[strings.LastIndexByte(path, '/')+1:], ":")
	if !found || head == "" {
		return h
	}
	return func(w http.ResponseWriter, r *http.Request, ps httprouter.Params) {
		if decoded(ps).ByName(verb) != ":"+verb {
			unknown(w, r)
			return
		}
		h(w, r, ps)
	}
}

// unknown answers 405 with Allow when the path is known under other methods, else 404.
func (rt *router) unknown(w http.ResponseWriter, r *http.Request) {
	if allowed := rt.allowed(r.URL.Path); len(allowed) > 0 && !slices.Contains(allowed, r.Method) {
		w.Header().Set("Allow", strings.Join(allowed, ", "))
	}
	rt.stray.ServeHTTP(w, r)
}

func (rt *router) allowed(path string) []string {
	trees := []*httprouter.Router{rt.fixed, rt.free}
	if isV1(path) {
		trees = []*httprouter.Router{rt.v1}
	}
	var methods []string
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		if !slices.ContainsFunc(trees, func(t *httprouter.Router) bool { h, _, _ := t.Lookup(method, path); return h != nil }) {
			continue
		}
		methods = append(methods, method)
		if method == "GET" {
			methods = append(methods, "HEAD")
		}
	}
	return methods
}
