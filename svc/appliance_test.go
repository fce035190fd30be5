package svc_test

import (
	"fmt"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// What the appliance is measured with.
const (
	manySessions  = 1000
	idleSessions  = 100
	idleTime      = time.Minute // above every timer that an idle session has
	applianceRuns = 5
)

// BenchmarkAppliance measures what somebody notices who lets wamux run on a small machine: how
// long a start takes with many sessions in the file, what sessions that do nothing cost, and
// how much memory none, one and many take.
func BenchmarkAppliance(b *testing.B) {
	world := start(b, b.TempDir(), []string{"LOG_LEVEL=error"}, "sandbox")
	g := start(b, b.TempDir(), append(pointedAt(world), "LOG_LEVEL=error"), "run")
	b.ReportMetric(0, "ns/op") // says nothing here
	for n := range idleSessions + 1 {
		if n <= 1 || n == idleSessions {
			g.stop()
			g.begin()
			g.allOnline(n)
			kib, goroutines := settledSize(&gatewaySubject{gateway: g})
			b.ReportMetric(float64(kib)/1024, fmt.Sprint("MiB-with-", n, "-sessions"))
			fmt.Printf("%d sessions, idle: %d MiB resident, %d goroutines\n", n, kib/1024, goroutines)
		}
		if n < idleSessions {
			g.pairOn(world, loadSession(n), fmt.Sprintf("628141%05d", n))
		}
	}
	b.ReportMetric(idleCPU(g), "idle-%-of-a-core")
	b.ReportMetric(startTime(b, g), "start-ms")
}

// idleCPU is how much of a core sessions take that nobody talks to, in percent.
func idleCPU(g *gateway) float64 {
	before := costs(g.cmd.Process.Pid).cpu
	<-time.After(idleTime)
	share := 100 * float64(costs(g.cmd.Process.Pid).cpu-before) / float64(idleTime)
	fmt.Printf("%d sessions, idle: %.2f %% of a core\n", idleSessions, share)
	return share
}

// startTime is how many milliseconds pass from the start of the process to its first answer,
// with many sessions that are linked and shall run. Most of them are copies of one, which
// WhatsApp will refuse, after that.
func startTime(b *testing.B, g *gateway) float64 {
	g.stop()
	multiply(b, filepath.Join(g.dir, "wamux.db"), loadSession(0), manySessions-idleSessions)
	var took []float64
	for range applianceRuns {
		began := time.Now()
		g.begin()
		if got := must[struct{ Data []object }](g, 200, "GET", "/v1/sessions?limit=1", nil); len(got.Data) != 1 {
			b.Fatalf("got %v", got)
		}
		took = append(took, float64(time.Since(began).Microseconds())/1000)
		g.kill()
	}
	fmt.Printf("%d sessions: %.0f ms from the start to the first answer\n", manySessions, median(took))
	return median(took)
}

// multiply adds copies of a session to a file that nobody has open, without pre-keys: a start
// does not read those.
func multiply(b *testing.B, file, session string, copies int) {
	sqliteWrites(b, file, `
		CREATE TEMP TABLE copies AS WITH RECURSIVE n (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < `+strconv.Itoa(copies)+`)
			SELECT 'copy' || id AS session FROM n;
		CREATE TEMP TABLE one AS SELECT * FROM whatsapp_sessions WHERE sessionId = '`+session+`';
		INSERT INTO whatsapp_sessions (sessionId, status, createdAt, updatedAt, wanted, state, jid, lid, phone, name, platform)
			SELECT session, status, createdAt, updatedAt, wanted, state, jid, lid, phone, name, platform FROM one, copies;
		INSERT INTO auth_data (sessionId, key, value, createdAt, updatedAt)
			SELECT session, key, value, createdAt, updatedAt FROM auth_data, copies WHERE sessionId = '`+session+`' AND key NOT LIKE 'pre-key-%';
		INSERT INTO pre_key_counters (sessionId, next) SELECT session, next FROM pre_key_counters, copies WHERE sessionId = '`+session+`';
		PRAGMA wal_checkpoint(TRUNCATE);`)
}
