package svc_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"
)

// shownCode is what the call for a pairing code answers.
type shownCode struct {
	Code, Phone string
	ExpiresAt   time.Time
}

// TestPairingCode links a session by a code that a person types: for a number that is none, wrong, and right.
func TestPairingCode(t *testing.T) {
	t.Parallel()
	g := sandboxed(t)
	must[object](g, 201, "POST", "/v1/sessions", object{"id": "shop"})
	path, ask := "/v1/sessions/shop/pairing-code", object{"phone": "+62 810-0000-0001"}
	g.refused(t, "POST", path, ask, 502, "code_refused") // nobody has this number yet, which costs none of the day's codes
	g.phone(ours)
	g.phone(theirs)
	asked := time.Now()
	shown := must[shownCode](g, 200, "POST", path, ask)
	if life := shown.ExpiresAt.Sub(asked); len(shown.Code) != 9 || shown.Phone != ours || life < 2*time.Minute || life > 3*time.Minute {
		t.Errorf("got %+v asked at %v, want ABCD-EFGH for %s, for most of 160 s", shown, asked, ours)
	}
	if a := g.do(g.request("POST", path, ask)); a.status != 429 || problemCode(a.body) != "pairing_code_limit" || a.header.Get("Retry-After") == "" {
		t.Errorf("a second code: got %d %s, Retry-After %q, want 429 with one", a.status, a.body, a.header.Get("Retry-After"))
	}
	typing := "/v1/sandbox/phones/" + ours + "/code"
	g.refused(t, "POST", typing, object{"code": "no"}, 400, "code_invalid")
	g.refused(t, "POST", "/v1/sandbox/phones/"+theirs+"/code", object{"code": shown.Code}, 409, "code_expired") // shown for another number
	g.refused(t, "POST", typing, object{"code": otherCode(shown.Code)}, 409, "code_wrong")
	if state := must[struct{ State string }](g, 200, "GET", "/v1/sessions/shop", nil).State; state != "pairing" {
		t.Errorf("after a wrong code the session is %s, want pairing", state)
	}
	must[object](g, 204, "POST", typing, object{"code": shown.Code})
	g.online("shop")
	g.refused(t, "POST", path, ask, 409, "already_linked")
	must[object](g, 200, "POST", "/shop/messages/send", text(theirs, "by code"))
	eventually(t, "the message at the phone", func() bool { return g.texts(theirs)["by code"] == 1 })
}

// TestPairingCodeEnds lets a code lie until the connection that it came with has ended.
func TestPairingCodeEnds(t *testing.T) {
	t.Parallel()
	g := start(t, t.TempDir(), []string{"SANDBOX_TIME_SCALE=100"}, "run", "--sandbox")
	must[object](g, 201, "POST", "/v1/sessions", object{"id": "shop"})
	g.phone(ours)
	shown := must[shownCode](g, 200, "POST", "/v1/sessions/shop/pairing-code", object{"phone": ours})
	if life := time.Until(shown.ExpiresAt); life > 1600*time.Millisecond {
		t.Errorf("the code can be used for %v, want at most 160 s, a hundred times faster", life)
	}
	eventually(t, "a code that nobody shows any more", func() bool {
		status, answer := g.call("POST", "/v1/sandbox/phones/"+ours+"/code", object{"code": otherCode(shown.Code)})
		return status == http.StatusConflict && problemCode(answer) == "code_expired"
	})
}

// otherCode is one letter away.
func otherCode(code string) string {
	if code[0] == 'A' {
		return "B" + code[1:]
	}
	return "A" + code[1:]
}

// refused makes a call that /v1 must answer with this problem.
func (g *gateway) refused(t *testing.T, method, path string, body any, status int, code string) {
	t.Helper()
	if got, answer := g.call(method, path, body); got != status || problemCode(answer) != code {
		t.Errorf("%s %s %v: got %d %s, want %d %s", method, path, body, got, answer, status, code)
	}
}

func problemCode(answer []byte) string {
	var problem struct{ Code string }
	_ = json.Unmarshal(answer, &problem)
	return problem.Code
}
