package store

import (
	"context"
	"fmt"
	"testing"
)

func BenchmarkUpdate(b *testing.B) {
	ctx := context.Background()
	put := func(key string) func(tx *Tx) error {
		return func(tx *Tx) error {
			_, err := tx.Exec("INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", key, "value")
			return err
		}
	}
	b.Run("serial", func(b *testing.B) {
		db := fresh(b)
		b.ReportAllocs()
		for b.Loop() {
			if err := db.Update(ctx, put("key")); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("callers=100", func(b *testing.B) {
		db := fresh(b)
		b.ReportAllocs()
		b.SetParallelism(50)
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				if err := db.Update(ctx, put(fmt.Sprint("key", i%64))); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
}
