package store

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"
)

func BenchmarkRecord(b *testing.B) {
	ctx := context.Background()
	var n atomic.Int64
	entry := func() Entry {
		i := n.Add(1)
		chat := fmt.Sprintf("62812%08d@s.whatsapp.net", i%500)
		id := randomID("3EB0")
		return Entry{
			Message: &Message{Chat: chat, Sender: chat, ID: id, Phone: chat[:13], Text: "a message of ordinary length", Type: "text", Raw: make([]byte, 120), Timestamp: time.Now()},
			Contact: &Contact{ID: chat, Phone: chat[:13], PushName: "Somebody"},
			Events:  []Event{{ID: EventID("s", chat, id), Type: "message.received", Timestamp: time.Now(), Data: []byte(`{"id":"x","text":"a message of ordinary length"}`)}},
		}
	}
	run := func(parallel int) func(b *testing.B) {
		return func(b *testing.B) {
			db := fresh(b)
			if _, _, err := db.AddSession(ctx, "user001", 0); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.SetParallelism(parallel)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := db.Record(ctx, "user001", entry()); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
	}
	b.Run("callers=2", run(1))
	b.Run("callers=100", run(50))
}
