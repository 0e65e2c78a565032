// Command verify judges copies of the log with golang.org/x/mod/sumdb, which knows nothing of ours.
//
// Each line of standard input is a copy as JSON; for each, one line says "accepted" or "refused"
// and why. []byte fields are base64.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const tileHeight = 8

// A logCopy is what somebody holds of the log.
type logCopy struct {
	Origin      string            // whose log it must be
	Keys        []string          // verifier keys that are trusted
	Checkpoint  string            // signed note
	Earlier     string            // signed note of a smaller tree, or nothing
	Consistency [][]byte          // proof from Earlier to Checkpoint
	Entries     []entry           // every entry, in leaf order
	Tiles       map[string][]byte // hashes by address, as C2SP tlog-tiles writes it
}

type entry struct {
	Leaf  []byte
	Proof [][]byte // of inclusion in Checkpoint
}

func main() {
	lines := bufio.NewReader(os.Stdin)
	decoder := json.NewDecoder(lines)
	for decoder.More() {
		var found logCopy
		if err := decoder.Decode(&found); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		if err := found.check(); err != nil {
			fmt.Printf("refused: %q\n", err.Error())
		} else {
			fmt.Println("accepted")
		}
	}
}

func (c *logCopy) check() error {
	tree, err := c.open(c.Checkpoint)
	if err != nil {
		return err
	}
	if int64(len(c.Entries)) != tree.N {
		return fmt.Errorf("%d entries in a tree of %d", len(c.Entries), tree.N)
	}
	if err := c.checkEntries(tree); err != nil {
		return err
	}
	if c.Earlier == "" {
		return nil
	}
	earlier, err := c.open(c.Earlier)
	if err != nil {
		return err
	}
	return tlog.CheckTree(hashes(c.Consistency), tree.N, tree.Hash, earlier.N, earlier.Hash)
}

// checkEntries compares each entry with its proof and with the tiles, which are proved as well.
func (c *logCopy) checkEntries(tree tlog.Tree) error {
	indexes := make([]int64, len(c.Entries))
	for i := range c.Entries {
		indexes[i] = tlog.StoredHashIndex(0, int64(i))
	}
	inTiles, err := tlog.TileHashReader(tree, c).ReadHashes(indexes)
	if err != nil {
		return err
	}
	for i, e := range c.Entries {
		leaf := tlog.RecordHash(e.Leaf)
		if leaf != inTiles[i] {
			return fmt.Errorf("entry %d is not the one in the tile", i)
		}
		if err := tlog.CheckRecord(hashes(e.Proof), tree.N, tree.Hash, int64(i), leaf); err != nil {
			return fmt.Errorf("entry %d: %w", i, err)
		}
	}
	return nil
}

// open checks the signature of a checkpoint and reads it.
func (c *logCopy) open(signed string) (tlog.Tree, error) {
	var verifiers []note.Verifier
	for _, key := range c.Keys {
		verifier, err := note.NewVerifier(key)
		if err != nil {
			return tlog.Tree{}, err
		}
		verifiers = append(verifiers, verifier)
	}
	opened, err := note.Open([]byte(signed), note.VerifierList(verifiers...))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != c.Origin {
		return tlog.Tree{}, fmt.Errorf("not a checkpoint of %s", c.Origin)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

// Height, ReadTiles and SaveTiles make a copy a tlog.TileReader.
func (c *logCopy) Height() int { return tileHeight }

func (c *logCopy) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range tiles {
		// Go's addresses name the height of tiles, those of C2SP do not.
		path := strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", tileHeight), "tile/", 1)
		data, there := c.Tiles[path]
		if !there || len(data) != tile.W*tlog.HashSize {
			return nil, fmt.Errorf("no %s", path)
		}
		found = append(found, data)
	}
	return found, nil
}

func (c *logCopy) SaveTiles([]tlog.Tile, [][]byte) {}

func hashes(proof [][]byte) []tlog.Hash {
	found := make([]tlog.Hash, len(proof))
	for i, hash := range proof {
		copy(found[i][:], hash)
	}
	return found
}
