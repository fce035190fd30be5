package salvage

import "strings"

// Table is a table as the file's own list has it. Where a part of that list is
// damaged, tables of no name stand for the trees that may have been in it, indexes
// among them.
type Table struct {
	Name    string
	Rowid   bool // it has one
	root    uint32
	indexes []uint32 // that have an entry for each row
}

// Tables returns the tables, or [ErrSchema] when it cannot be told what there is.
// Call it first.
func (f *File) Tables() ([]*Table, error) {
	f.claim(1)
	list, whole := f.schema()
	byName := map[string]*Table{}
	var tables []*Table
	for _, o := range list {
		f.claim(o.root)
		if o.kind == "table" {
			byName[o.name] = &Table{Name: o.name, root: o.root}
			tables = append(tables, byName[o.name])
		}
	}
	for _, o := range list {
		if t := byName[o.table]; o.kind == "index" && t != nil && !strings.Contains(strings.ToUpper(o.sql), " WHERE ") {
			t.indexes = append(t.indexes, o.root)
		}
	}
	if !whole {
		tables = append(tables, f.unnamed()...)
	}
	if f.adopt(); len(tables) == 0 || !whole && !f.mapped {
		return nil, ErrSchema
	}
	for _, t := range tables {
		t.Rowid = f.hasRowid(t.root)
	}
	return tables, nil
}

// Find returns one table without a look at the others; nil when none of that name is
// seen. It is called in place of Tables.
func (f *File) Find(name string) *Table {
	f.claim(1)
	list, _ := f.schema()
	for _, o := range list {
		if o.kind == "table" && o.name == name {
			f.claim(o.root)
			return &Table{Name: name, Rowid: f.hasRowid(o.root), root: o.root}
		}
	}
	return nil
}

// unnamed finds the trees that nothing names.
func (f *File) unnamed() (tables []*Table) {
	for number := uint32(2); number <= f.pages; number++ {
		if kind, _, known := f.entry(number); known && kind == isRoot && f.belongs[number] == 0 {
			f.claim(number)
			tables = append(tables, &Table{root: number})
		}
	}
	return tables
}

// hasRowid looks at the first page that can be read of a tree.
func (f *File) hasRowid(root uint32) bool {
	for number := uint32(1); number <= f.pages; number++ {
		if f.belongs[number] != root {
			continue
		}
		if n, err := f.node(number); err == nil {
			return n.kind == tableLeaf || n.kind == tableInner
		}
	}
	return false
}

// object is a row of the list of tables and indexes.
type object struct {
	kind, name, table, sql string
	root                   uint32
}

// schema returns the list, and whether it is whole.
func (f *File) schema() (list []object, whole bool) {
	refused, err := f.rows(1, func(_ int64, values []any) error {
		if len(values) != 5 {
			return errPage
		}
		var o object
		var root int64
		o.kind, _ = values[0].(string)
		o.name, _ = values[1].(string)
		o.table, _ = values[2].(string)
		root, _ = values[3].(int64)
		o.sql, _ = values[4].(string)
		o.root = uint32(root)
		list = append(list, o)
		return nil
	})
	return list, err == nil && refused == 0 && f.unreadable[1] == 0
}

// Rows gives every row that can be read to fn, in no certain order. Values are nil,
// int64, float64, string or []byte, in the order in which the file keeps them:
// where a table has a rowid in that of its columns, else with those of the
// primary key first. It returns how many rows were seen and could not be read.
func (f *File) Rows(t *Table, fn func(rowid int64, values []any) error) (refused int64, err error) {
	return f.rows(t.root, fn)
}

func (f *File) rows(root uint32, fn func(rowid int64, values []any) error) (refused int64, err error) {
	for number := uint32(1); number <= f.pages; number++ {
		if f.belongs[number] != root {
			continue
		}
		n, err := f.read(number, fn)
		if refused += n; err != nil {
			return refused, err
		}
	}
	return refused, nil
}

// Strays is Rows for pages whose way to their table is lost, as happens where a
// file was cut. All rows of a page are of one table with a rowid.
func (f *File) Strays(fn func(page uint32, rowid int64, values []any) error) error {
	for _, number := range f.strays {
		if _, err := f.read(number, func(rowid int64, values []any) error { return fn(number, rowid, values) }); err != nil {
			return err
		}
	}
	return nil
}

// read gives the rows on one page to fn.
func (f *File) read(number uint32, fn func(rowid int64, values []any) error) (refused int64, err error) {
	n, err := f.node(number)
	if err != nil || n.kind == tableInner {
		return 0, nil
	}
	for _, at := range n.cells {
		rowid, values, err := f.cell(n, at)
		if err != nil {
			refused++
			continue
		}
		if err := fn(rowid, values); err != nil {
			return refused, err
		}
	}
	return refused, nil
}

// Unreadable is how many pages of the table are damaged.
func (f *File) Unreadable(t *Table) int { return f.unreadable[t.root] }

// Count is how many rows the table had, as its indexes tell; ok is false when
// none of those is whole.
func (f *File) Count(t *Table) (count int64, ok bool) {
	for _, root := range t.indexes {
		if f.unreadable[root] == 0 {
			return f.entries(root), true
		}
	}
	return 0, false
}

func (f *File) entries(root uint32) (count int64) {
	for number := uint32(1); number <= f.pages; number++ {
		if f.belongs[number] != root {
			continue
		}
		if n, err := f.node(number); err == nil && n.kind != tableInner {
			count += int64(len(n.cells))
		}
	}
	return count
}
