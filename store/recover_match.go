package store

import (
	"context"
	"slices"

	"wamux/store/salvage"
)

// match finds for every table of the schema the one in the damaged file.
func (r *rescue) match() error {
	sources, err := r.from.Tables()
	if err != nil {
		return errNothingLeft(r.path, err)
	}
	rows, err := r.to.sql.QueryContext(context.Background(), "SELECT name, NOT wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
	r.tables, err = collect(rows, err, func(row scanner) (*saving, error) {
		var s saving
		return &s, row.Scan(&s.Table, &s.rowid)
	})
	for _, s := range r.tables {
		if err == nil {
			err = r.describe(s)
		}
		for _, source := range sources {
			if source.Name == s.Table {
				s.source = source
			}
		}
	}
	if err != nil {
		return err
	}
	return r.guess(sources)
}

// guess finds the tables whose names are lost by what is in them: one is taken
// where no other can have such rows, and it can be no other's.
func (r *rescue) guess(sources []*salvage.Table) error {
	fits, counts := map[*saving][]*salvage.Table{}, map[*salvage.Table]int64{}
	for _, tree := range sources {
		if tree.Name != "" {
			continue
		}
		may, n, err := r.candidates(tree)
		if err != nil {
			return err
		}
		counts[tree] = n
		for _, s := range may {
			fits[s] = append(fits[s], tree)
		}
	}
	for s, trees := range fits {
		if len(trees) == 1 && fitsNoOther(trees[0], s, fits) {
			s.source, counts[trees[0]] = trees[0], 0
		}
	}
	for tree, n := range counts {
		if tree.Rowid { // the others may be indexes
			r.strays.Lost += n
		}
	}
	return nil
}

// candidates are the tables that are still missing and can have all rows of a tree,
// none for an empty one; count is how many rows that has.
func (r *rescue) candidates(tree *salvage.Table) (may []*saving, count int64, err error) {
	for _, s := range r.tables {
		if s.source == nil && s.rowid == tree.Rowid {
			may = append(may, s)
		}
	}
	_, err = r.from.Rows(tree, func(_ int64, values []any) error {
		count++
		may = slices.DeleteFunc(may, func(s *saving) bool { return !s.takes(values) })
		return nil
	})
	if count == 0 {
		may = nil
	}
	return may, count, err
}

func fitsNoOther(tree *salvage.Table, only *saving, fits map[*saving][]*salvage.Table) bool {
	for s, trees := range fits {
		if s != only && slices.Contains(trees, tree) {
			return false
		}
	}
	return true
}

// describe learns the columns of a table. Without a rowid the file keeps those of
// the primary key first.
func (r *rescue) describe(s *saving) error {
	query := "SELECT name, type, \"notnull\" AND dflt_value IS NULL, pk = 1 AND type = 'INTEGER' AND ? FROM pragma_table_info(?) ORDER BY cid"
	if !s.rowid {
		query = `SELECT i.name, t.type, t."notnull" AND t.dflt_value IS NULL, ? AND 0 FROM pragma_index_list(?2) AS l, pragma_index_xinfo(l.name) AS i
			JOIN pragma_table_info(?2) AS t ON t.name = i.name WHERE l.origin = 'pk' ORDER BY i.seqno`
	}
	rows, err := r.to.sql.QueryContext(context.Background(), query, s.rowid, s.Table)
	s.columns, err = collect(rows, err, func(row scanner) (c savedColumn, err error) {
		return c, row.Scan(&c.name, &c.kind, &c.required, &c.isRowid)
	})
	return err
}
