package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
)

// bbolt maps its file and trusts every page of it: a damaged one makes it panic,
// fault in a goroutine of its own, or follow a ring of pages until the memory is
// gone. So the file is read once, with distrust, before bbolt sees it.
//
// The layout (bbolt's format 2, numbers in the order of this machine's octets) is a
// row of pages. Pages 0 and 1 are metas, the valid one with the higher transaction
// counts. From its root hangs a tree of branch and leaf pages; a leaf may hold
// further buckets, each with a tree of its own or a single page inside the leaf.
// Every other page is named in the free list. verify checks that each page is in
// its place, that nothing in it points outside, and that all pages are accounted
// for exactly once.
const (
	pageHeader   = 16 // id uint64, type uint16, count uint16, overflow uint32
	elementSize  = 16 // of branch and leaf pages
	bucketHeader = 16 // root uint64, sequence uint64
	metaSize     = 64 // checksum over the first 56 octets in the last 8
	metaMagic    = 0xED0CDAED
	metaFormat   = 2

	typeBranch   = 0x01
	typeLeaf     = 0x02
	typeFreelist = 0x10
	flagBucket   = 0x01 // of a leaf element

	noFreelist    = ^uint64(0) // bbolt builds it itself
	longFreelist  = 0xFFFF     // the count is in the first number instead
	maxDepth      = 64         // a tree of 4 KiB pages is never so high
	minPageSize   = 1 << 10
	maxPageSize   = 16 << 20
	maxPageMemory = 64 << 20 // of a page with its overflow; ours take one or two
)

var order = binary.NativeEndian

// verify reports what is wrong with a bbolt file of that size. An empty file is
// none yet, and sound.
func verify(file io.ReaderAt, size int64) error {
	if size == 0 {
		return nil
	}
	m, err := findMeta(file, size)
	if err != nil {
		return err
	}
	if have := uint64(size) / m.pageSize; m.pages > have {
		return fmt.Errorf("%d of %d pages are missing at its end", m.pages-have, m.pages)
	}
	v := verifier{file: file, meta: m, seen: make([]bool, m.pages)}
	v.seen[0], v.seen[1] = true, true
	if err := v.tree(m.root, 0); err != nil {
		return err
	}
	if m.freelist == noFreelist {
		return nil
	}
	if err := v.freelist(); err != nil {
		return err
	}
	for id, seen := range v.seen {
		if !seen {
			return fmt.Errorf("page %d belongs to nothing", id)
		}
	}
	return nil
}

type meta struct {
	pageSize, root, freelist, pages, transaction uint64
}

// findMeta returns the meta that counts.
func findMeta(file io.ReaderAt, size int64) (meta, error) {
	first, ok := readMeta(file, 0)
	if !ok {
		// The page size is in the meta, so the second is looked for at every
		// place it can be.
		for at := uint64(minPageSize); at <= maxPageSize && int64(at) < size; at *= 2 {
			if m, ok := readMeta(file, at); ok && m.pageSize == at {
				return m, nil
			}
		}
		return meta{}, errors.New("no valid head; it may be no state file at all")
	}
	if second, ok := readMeta(file, first.pageSize); ok && second.pageSize == first.pageSize && second.transaction > first.transaction {
		return second, nil
	}
	return first, nil
}

func readMeta(file io.ReaderAt, at uint64) (meta, bool) {
	b := make([]byte, metaSize)
	if _, err := file.ReadAt(b, int64(at)+pageHeader); err != nil {
		return meta{}, false
	}
	sum := fnv.New64a()
	sum.Write(b[:metaSize-8])
	if order.Uint32(b) != metaMagic || order.Uint32(b[4:]) != metaFormat || order.Uint64(b[metaSize-8:]) != sum.Sum64() {
		return meta{}, false
	}
	m := meta{
		pageSize: uint64(order.Uint32(b[8:])), root: order.Uint64(b[16:]), freelist: order.Uint64(b[32:]),
		pages: order.Uint64(b[40:]), transaction: order.Uint64(b[48:]),
	}
	return m, minPageSize <= m.pageSize && m.pageSize <= maxPageSize && m.pages >= 2
}

type verifier struct {
	meta
	file io.ReaderAt
	seen []bool // by page
}

// page reads a page with its overflow and marks it as seen.
func (v *verifier) page(id uint64) ([]byte, error) {
	if id >= v.pages {
		return nil, fmt.Errorf("page %d is beyond the end", id)
	}
	head := make([]byte, pageHeader)
	if _, err := v.file.ReadAt(head, int64(id*v.pageSize)); err != nil {
		return nil, err
	}
	span := 1 + uint64(order.Uint32(head[12:]))
	if order.Uint64(head) != id || span > v.pages-id || span*v.pageSize > maxPageMemory {
		return nil, fmt.Errorf("page %d is not what stands in its place", id)
	}
	for i := id; i < id+span; i++ {
		if err := v.see(i); err != nil {
			return nil, err
		}
	}
	page := make([]byte, span*v.pageSize)
	_, err := v.file.ReadAt(page, int64(id*v.pageSize))
	return page, err
}

func (v *verifier) see(id uint64) error {
	if id >= v.pages || v.seen[id] {
		return fmt.Errorf("page %d is used twice or beyond the end", id)
	}
	v.seen[id] = true
	return nil
}

// tree walks the pages below id.
func (v *verifier) tree(id uint64, depth int) error {
	if depth > maxDepth {
		return errors.New("its tree has no end")
	}
	page, err := v.page(id)
	if err != nil {
		return err
	}
	switch order.Uint16(page[8:]) {
	case typeBranch:
		return v.branch(page, depth)
	case typeLeaf:
		return v.leaf(page, depth)
	}
	return fmt.Errorf("page %d is no part of a tree", id)
}

func (v *verifier) branch(page []byte, depth int) error {
	n := int(order.Uint16(page[10:]))
	if n == 0 {
		return errors.New("a branch without twigs")
	}
	var before []byte
	for i := range n {
		e, at, err := element(page, i)
		if err != nil {
			return err
		}
		key, err := slice(page, at+uint64(order.Uint32(e)), uint64(order.Uint32(e[4:])))
		if err != nil {
			return err
		}
		if i > 0 && bytes.Compare(before, key) >= 0 {
			return errors.New("entries out of order")
		}
		before = key
		if err := v.tree(order.Uint64(e[8:]), depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) leaf(page []byte, depth int) error {
	var before []byte
	for i := range int(order.Uint16(page[10:])) {
		e, at, err := element(page, i)
		if err != nil {
			return err
		}
		flags, keyLen, valueLen := order.Uint32(e), uint64(order.Uint32(e[8:])), uint64(order.Uint32(e[12:]))
		entry, err := slice(page, at+uint64(order.Uint32(e[4:])), keyLen+valueLen)
		if err != nil {
			return err
		}
		key, value := entry[:keyLen], entry[keyLen:]
		if len(key) == 0 || i > 0 && bytes.Compare(before, key) >= 0 {
			return errors.New("entries out of order")
		}
		before = key
		switch flags {
		case 0:
		case flagBucket:
			if err := v.bucket(value, depth); err != nil {
				return err
			}
		default:
			return errors.New("an entry of unknown type")
		}
	}
	return nil
}

// bucket checks the value that stands for a bucket.
func (v *verifier) bucket(value []byte, depth int) error {
	if len(value) < bucketHeader {
		return errors.New("a bucket without a head")
	}
	if root := order.Uint64(value); root != 0 {
		return v.tree(root, depth+1)
	}
	page := value[bucketHeader:]
	if len(page) < pageHeader || order.Uint16(page[8:]) != typeLeaf || depth > maxDepth {
		return errors.New("a bucket without content")
	}
	return v.leaf(page, depth+1)
}

// freelist checks that every page in the list is free indeed.
func (v *verifier) freelist() error {
	page, err := v.page(v.meta.freelist)
	if err != nil {
		return err
	}
	if order.Uint16(page[8:]) != typeFreelist {
		return errors.New("no list of free pages")
	}
	count, ids := uint64(order.Uint16(page[10:])), page[pageHeader:]
	if count == longFreelist {
		count, ids = order.Uint64(ids), ids[8:]
	}
	if count > uint64(len(ids)/8) {
		return errors.New("the list of free pages has no end")
	}
	for i := range count {
		if err := v.see(order.Uint64(ids[8*i:])); err != nil {
			return err
		}
	}
	return nil
}

// element returns element i of a page and where it stands; positions in it count
// from there.
func element(page []byte, i int) (e []byte, at uint64, err error) {
	at = uint64(pageHeader + i*elementSize)
	e, err = slice(page, at, elementSize)
	return e, at, err
}

// slice returns n octets of a page.
func slice(page []byte, at, n uint64) ([]byte, error) {
	if at > uint64(len(page)) || n > uint64(len(page))-at {
		return nil, errors.New("an entry points out of its page")
	}
	return page[at : at+n], nil
}
