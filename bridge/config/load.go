package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// Parse reads the text of a configuration. It looks at nothing else: neither
// at the files the text names nor at the environment, so Upstream.Secret and
// TLSRoots stay empty. The name stands in the messages, and relative paths are
// meant from its folder. The error is an [Errors] with every problem; the
// Config is zero then.
func Parse(name string, data []byte) (Config, error) {
	r := newReport(name)
	c := parse(data, r)
	if err := r.err(); err != nil {
		return Config{}, err
	}
	return c, nil
}

// Read is [Parse] of the file at path, for who asks only for names: nothing that
// the file names is opened, so that it needs no right to read the secret.
func Read(path string) (Config, error) {
	r := newReport(path)
	c := r.read()
	if err := r.err(); err != nil {
		return Config{}, err
	}
	return c, nil
}

// Load reads the configuration file at path, the secret and the certificates
// it names, and looks at the permissions of the secret and the state folder. The
// error is an [Errors] with every problem; the Config is zero then.
func Load(path string) (Config, error) {
	r := newReport(path)
	c := r.load()
	if err := r.err(); err != nil {
		return Config{}, err
	}
	return c, nil
}

// load reads the file and what it names.
func (r *report) load() Config {
	c := r.read()
	if r.unread {
		return c
	}
	c.Upstream.readSecret(r)
	c.Upstream.readRoots(r)
	c.Control.readGroup(r)
	c.checkState(r)
	return c
}

// read reads the text of the file.
func (r *report) read() Config {
	data, err := readFile(r.file, maxFile)
	if err != nil {
		r.unread = true
		do := "name the file with -c, or copy bridge.yaml.example there and set its required keys"
		if errors.Is(err, fs.ErrPermission) {
			do = "run this as root, or as the user that runs the service"
		}
		r.failAt(mark{}, "", reason(err), do)
		return Config{}
	}
	return parse(data, r)
}

func parse(data []byte, r *report) Config {
	c := Defaults()
	if len(data) > maxFile {
		r.failAt(mark{}, "", "is larger than "+bytesText(maxFile), "is this the right file?")
		return c
	}
	root := readTree(data, r)
	if root == nil {
		return c
	}
	r.root = root
	value{node: root, r: r}.section(c.table())
	c.check(r)
	return c
}

// errTooLarge is what readOpen returns when a file holds more than expected.
var errTooLarge = errors.New("is too large")

// readFile reads a regular file of at most limit bytes.
func readFile(path string, limit int64) ([]byte, error) {
	f, _, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readOpen(f, limit)
}

// openFile opens a regular file and tells whose it is. The path is looked up once,
// so that this is the file that is read. Anything else (a pipe, a
// device) is refused and cannot block.
func openFile(path string) (*os.File, fs.FileInfo, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("is not a regular file")
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

func readOpen(f *os.File, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%w (more than %s)", errTooLarge, bytesText(limit))
	}
	return data, err
}

// reason is a file error without the path, which the message names already.
func reason(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "there is no such file"
	case errors.Is(err, fs.ErrPermission):
		return "may not be read by this user"
	}
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		err = pathErr.Err
	}
	return err.Error()
}
