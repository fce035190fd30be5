package salvage

import "encoding/binary"

// The kinds of pages of a tree.
const (
	indexInner = 2
	tableInner = 5
	indexLeaf  = 10
	tableLeaf  = 13
)

// node is a page of a tree.
type node struct {
	number uint32
	data   []byte
	kind   byte
	cells  []int // where they begin
	right  uint32
}

// inner tells whether there are pages below.
func (n *node) inner() bool { return n.kind == indexInner || n.kind == tableInner }

// node reads a page as one of a tree.
func (f *File) node(number uint32) (*node, error) {
	data, err := f.page(number)
	if err != nil {
		return nil, err
	}
	head := 0
	if number == 1 {
		head = 100
	}
	n := &node{number: number, data: data[:f.usable], kind: data[head]}
	cells := head + 8
	switch n.kind {
	case indexInner, tableInner:
		n.right = binary.BigEndian.Uint32(data[cells:])
		cells += 4
	case indexLeaf, tableLeaf:
	default:
		return nil, errPage
	}
	count := int(binary.BigEndian.Uint16(data[head+3:]))
	if cells+2*count > f.usable {
		return nil, errPage
	}
	for i := range count {
		at := int(binary.BigEndian.Uint16(data[cells+2*i:]))
		if at < cells+2*count || at > f.usable-4 {
			return nil, errPage
		}
		n.cells = append(n.cells, at)
	}
	return n, nil
}

// children are the pages below, in no order that matters.
func (n *node) children() []uint32 {
	if !n.inner() {
		return nil
	}
	list := []uint32{n.right}
	for _, at := range n.cells {
		list = append(list, binary.BigEndian.Uint32(n.data[at:]))
	}
	return list
}

// claim finds the pages of the tree that begins at root. What cannot be reached
// from there is left to adopt.
func (f *File) claim(root uint32) {
	if root == 0 || root > f.pages || f.belongs[root] != 0 {
		return
	}
	f.belongs[root] = root
	for open := []uint32{root}; len(open) > 0; {
		number := open[len(open)-1]
		open = open[:len(open)-1]
		n, err := f.node(number)
		if err != nil {
			f.unreadable[root]++
			continue
		}
		for _, child := range n.children() {
			if child > f.pages {
				f.unreadable[root]++ // behind the end of a file that was cut
			} else if f.plausible(child, number) {
				f.belongs[child] = root
				open = append(open, child)
			}
		}
	}
}

// plausible tells whether child may be below parent: a damaged page may look
// like one with others below.
func (f *File) plausible(child, parent uint32) bool {
	if child < 2 || f.belongs[child] != 0 || f.isMap(child) {
		return false
	}
	kind, of, known := f.entry(child)
	return !known || kind == isNode && of == parent
}

// adopt finds out to which tree the pages belong that a damaged one hides.
func (f *File) adopt() {
	for number := uint32(2); f.mapped && number <= f.pages; number++ {
		if f.belongs[number] != 0 {
			continue
		}
		root := f.ancestor(number)
		n, err := f.node(number)
		if root == 0 {
			if kind, _, known := f.entry(number); err == nil && n.kind == tableLeaf && known && kind == isNode {
				f.strays = append(f.strays, number)
			}
			continue
		}
		if f.belongs[number] = root; err != nil {
			f.unreadable[root]++
		}
	}
}

// ancestor climbs to a page whose tree is known; 0 when there is none. Trees are
// shallow, so a long way is a circle.
func (f *File) ancestor(number uint32) uint32 {
	for range 40 {
		kind, parent, known := f.entry(number)
		if !known || kind != isNode || parent == 0 {
			return 0
		}
		if parent <= f.pages && f.belongs[parent] != 0 {
			return f.belongs[parent]
		}
		number = parent
	}
	return 0
}
