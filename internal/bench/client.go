package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
)

// client sends requests over one connection that stays open. It is made for measuring: a request
// takes no memory once the buffers have grown, and little else, so that what is measured is the
// server.
type client struct {
	conn net.Conn
	in   *bufio.Reader
	out  []byte
	body []byte
}

func dial(ctx context.Context, address string) (*client, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &client{conn: conn, in: bufio.NewReaderSize(conn, 64<<10)}, nil
}

func (c *client) close() error { return c.conn.Close() }

// question is a query whose variables differ from request to request.
type question struct {
	Head   string // request line and headers, all but the length of the body
	Before string // of the body, up to the variables
}

const after = "}" // of the body, behind the variables

// ask puts the question with variables, as JSON. The answer is good until the next question.
//
// Errors: those of the connection; an answer of another status than 200, or with errors.
func (c *client) ask(q *question, variables string) ([]byte, error) {
	c.out = append(c.out[:0], q.Head...)
	c.out = append(c.out, "Content-Length: "...)
	c.out = strconv.AppendInt(c.out, int64(len(q.Before)+len(variables)+len(after)), 10)
	c.out = append(c.out, "\r\n\r\n"...)
	c.out = append(c.out, q.Before...)
	c.out = append(c.out, variables...)
	c.out = append(c.out, after...)
	if _, err := c.conn.Write(c.out); err != nil {
		return nil, err
	}
	if err := c.answer(); err != nil {
		return nil, err
	}
	return c.body, nil
}

// answer reads the head and the body of an answer.
func (c *client) answer() error {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return err
	}
	good := bytes.HasPrefix(line, []byte("HTTP/1.1 200 "))
	length, chunked := 0, false
	for {
		line, err = c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			length = number(value, 10)
		}
		chunked = chunked || bytes.Equal(line, []byte("Transfer-Encoding: chunked"))
	}
	c.body = c.body[:0]
	if chunked {
		err = c.chunks()
	} else {
		err = c.read(length)
	}
	if err != nil {
		return err
	}
	if !good || bytes.Contains(c.body, []byte(`"errors":`)) || bytes.Contains(c.body, []byte(`"code":`)) {
		return fmt.Errorf("the server answers with errors: %.1000s", c.body)
	}
	return nil
}

func (c *client) chunks() error {
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		size := number(bytes.TrimRight(line, "\r\n"), 16)
		if err := c.read(size); err != nil {
			return err
		}
		if _, err := c.in.Discard(2); err != nil || size == 0 {
			return err
		}
	}
}

// read appends so many bytes to the body.
func (c *client) read(n int) error {
	if n < 0 {
		return errors.New("the answer's length cannot be read")
	}
	begin := len(c.body)
	if need := begin + n; need > cap(c.body) {
		c.body = append(make([]byte, 0, 2*need), c.body...)
	}
	c.body = c.body[:begin+n]
	_, err := io.ReadFull(c.in, c.body[begin:])
	return err
}

// number reads a number without making a string of it; what is none is negative.
func number(text []byte, base int) int {
	n := 0
	for _, b := range text {
		digit := -1
		switch {
		case b >= '0' && b <= '9':
			digit = int(b - '0')
		case base == 16 && b >= 'a' && b <= 'f':
			digit = int(b-'a') + 10
		}
		if digit < 0 {
			return -1
		}
		n = n*base + digit
	}
	return n
}
