package store

import (
	"context"
	"fmt"
	"testing"
	"time"
)

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
