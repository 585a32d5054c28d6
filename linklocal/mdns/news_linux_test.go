package mdns

import (
	"os"
	"testing"
	"time"
)

func TestKernelNews(t *testing.T) {
	t.Run("every message is told, and it ends when it is to", func(t *testing.T) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		told := make(chan bool, 8)
		stop := follow(r, func() { told <- true })
		for range 2 {
			if _, err := w.Write(make([]byte, 16)); err != nil {
				t.Fatal(err)
			}
			select {
			case <-told:
			case <-time.After(10 * time.Second):
				t.Fatal("not told")
			}
		}
		stop()
	})
	t.Run("the kernel offers it to everybody, and it ends", func(t *testing.T) {
		stop, err := sockets{}.Watch(func() {})
		if err != nil {
			t.Fatal(err)
		}
		stop()
	})
}
