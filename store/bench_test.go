package store

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"
)

func BenchmarkUpdate(b *testing.B) {
	ctx := context.Background()
	b.Run("serial", func(b *testing.B) {
		db := fresh(b)
		b.ReportAllocs()
		for b.Loop() {
			if err := db.Update(ctx, setMeta("key", "value")); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("callers=100", func(b *testing.B) {
		db := fresh(b)
		b.ReportAllocs()
		atOnce(b, 100, func(i int) error { return db.Update(ctx, setMeta(fmt.Sprint("key", i%64), "value")) })
	})
}

func BenchmarkRead(b *testing.B) {
	ctx := context.Background()
	db := withSession(b)
	get := func(tx *Tx) error {
		_, err := findSession(tx, "user001")
		return err
	}
	for name, run := range map[string]func(context.Context, func(*Tx) error) error{"View": db.View, "Read": db.Read} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := run(ctx, get); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// atOnce shares b.N calls among so many goroutines.
func atOnce(b *testing.B, callers int, call func(i int) error) {
	b.Helper()
	var wg sync.WaitGroup
	b.ResetTimer()
	for c := range callers {
		wg.Go(func() {
			for i := c; i < b.N; i += callers {
				if err := call(i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// received is an entry as an ordinary text message makes it.
func received(i int) Entry {
	phone := fmt.Sprintf("62812%08d", i%500)
	chat, id := phone+"@s.whatsapp.net", randomID("3EB0")
	return Entry{
		Message: &Message{Chat: chat, Sender: chat, ID: id, Phone: phone, Text: "a message of ordinary length", Type: "text", Raw: make([]byte, 120), Timestamp: time.Now()},
		Contact: &Contact{ID: chat, Phone: phone, PushName: "Somebody"},
		Events:  []Event{{ID: EventID("s", chat, id), Type: "message.received", Timestamp: time.Now(), Data: []byte(`{"id":"x","text":"a message of ordinary length"}`)}},
	}
}

func BenchmarkRecord(b *testing.B) {
	for _, callers := range []int{1, 100} {
		b.Run(fmt.Sprint("callers=", callers), func(b *testing.B) {
			db := withSession(b)
			b.ReportAllocs()
			atOnce(b, callers, func(i int) error {
				_, err := db.Record(context.Background(), "user001", received(i))
				return err
			})
		})
	}
}

func BenchmarkMessages(b *testing.B) {
	db := withSession(b)
	entries := make([]Entry, 20000)
	for i := range entries {
		entries[i] = received(i)
	}
	mustRecord(b, db, entries...)
	b.ReportAllocs()
	for b.Loop() {
		if _, total, err := db.Messages(context.Background(), MessageQuery{Session: "user001"}); err != nil || total != len(entries) {
			b.Fatal(total, err)
		}
	}
}
