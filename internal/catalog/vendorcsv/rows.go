package vendorcsv

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/licensegraph/licensegraph/internal/textkey"
)

const (
	// MaxFileBytes is the largest file that is read: about sixty times the catalogue of 2026.
	MaxFileBytes = 64 << 20
	// MaxRows is how many rows of a file are read, good or bad.
	MaxRows = 1_000_000
	// MaxRowBytes is the longest row that is read; longer ones are skipped and reported.
	MaxRowBytes = 64 << 10
	// maxRowLines is over how many lines a quoted value may extend its row.
	maxRowLines = 8
)

// FileError is a file that cannot be imported at all.
type FileError struct {
	File    string
	Line    int // 1-based; 0 where no line is to blame
	Problem string
	Cause   error // the failure to read, or nil
}

// Error is one line: FILE:LINE: the problem and what is expected.
func (e *FileError) Error() string {
	where := e.File
	if e.Line > 0 {
		where = fmt.Sprintf("%s:%d", e.File, e.Line)
	}
	if e.Cause != nil {
		return fmt.Sprintf("%s: %s: %v", where, e.Problem, e.Cause)
	}
	return where + ": " + e.Problem
}

// Unwrap returns the cause.
func (e *FileError) Unwrap() error { return e.Cause }

// row is one record of a file.
type row struct {
	line     int // of its beginning
	values   []string
	quotes   string // what is wrong with its quotation marks, or empty
	overlong bool   // nothing of it was kept
}

// rowReader reads the rows of a file one by one and survives whatever they hold. It cuts the
// file into lines itself, so that a quotation mark that never ends costs one row and not the
// rest of the file; the lines are parsed with encoding/csv.
type rowReader struct {
	file  string
	src   *bufio.Reader
	eol   byte
	width int // columns of the header, 0 until known
	bom   bool

	ahead []textLine
	last  int // number of the last line read

	text strings.Reader
	buf  *bufio.Reader
}

type textLine struct {
	number   int
	text     string
	overlong bool
}

var errTooLarge = errors.New("too large")

// newRowReader looks at the beginning of a file: its byte order mark and its line ends.
//
// Errors: *FileError for a file in UTF-16 and for one that cannot be read.
func newRowReader(r io.Reader, file string) (*rowReader, error) {
	src := bufio.NewReaderSize(&cappedReader{r: r, left: MaxFileBytes}, MaxRowBytes+2)
	rr := &rowReader{file: file, src: src, eol: '\n', buf: bufio.NewReader(nil)}
	begin, err := src.Peek(MaxRowBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, rr.failure(err)
	}
	switch {
	case bytes.HasPrefix(begin, []byte("\xff\xfe")), bytes.HasPrefix(begin, []byte("\xfe\xff")):
		return nil, &FileError{File: file, Problem: "the file is UTF-16; save it as CSV in UTF-8"}
	case bytes.HasPrefix(begin, []byte("\ufeff")):
		rr.bom = true
		if _, err := src.Discard(len("\ufeff")); err != nil {
			return nil, rr.failure(err)
		}
	}
	// Spreadsheets on old Macs end lines with a carriage return alone.
	if i := bytes.IndexAny(begin, "\r\n"); i >= 0 && begin[i] == '\r' && !bytes.HasPrefix(begin[i:], []byte("\r\n")) &&
		!bytes.HasPrefix(begin[i:], []byte("\r\r\n")) {
		rr.eol = '\r'
	}
	return rr, nil
}

// next returns the next row that is not blank, or io.EOF.
//
// Errors: *FileError for a file that is too large or cannot be read.
func (r *rowReader) next() (row, error) {
	for {
		first, err := r.peek(0)
		if err != nil {
			return row{}, err
		}
		if first.overlong {
			r.drop(1)
			return row{line: first.number, overlong: true}, nil
		}
		if strings.TrimFunc(first.text, textkey.IsPadding) == "" {
			r.drop(1)
			continue
		}
		return r.parse(first)
	}
}

// parse reads the row that begins at a line. A value may span lines where the whole is flawless
// CSV of the header's width; otherwise the line stands alone and is read leniently.
func (r *rowReader) parse(first textLine) (row, error) {
	values, strict := r.record(first.text, false, false)
	if strict == nil {
		r.drop(1)
		return row{line: first.number, values: values}, nil
	}
	values, lines, err := r.span(first)
	if err != nil {
		return row{}, err
	}
	if lines > 0 {
		r.drop(lines)
		return row{line: first.number, values: values}, nil
	}
	r.drop(1)
	values, err = r.record(first.text, true, false)
	if err != nil {
		values, err = r.record(first.text, true, true)
	}
	if err != nil {
		return row{}, r.failure(err)
	}
	return row{line: first.number, values: values, quotes: quoteProblem(strict)}, nil
}

// span reads a row with a value that goes on in the next lines, and says how many lines it
// has: 0 where these lines make no such row.
func (r *rowReader) span(first textLine) ([]string, int, error) {
	text := first.text
	for lines := 2; lines <= maxRowLines && r.endsOpen(text); lines++ {
		more, err := r.peek(lines - 1)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, 0, err
		}
		if more.overlong || len(text)+len(more.text) > MaxRowBytes {
			break
		}
		text += "\n" + more.text
		if values, err := r.record(text, false, false); err == nil && (r.width == 0 || len(values) == r.width) {
			return values, lines, nil
		}
	}
	return nil, 0, nil
}

// record parses one record.
func (r *rowReader) record(text string, trim, lazy bool) ([]string, error) {
	r.text.Reset(text)
	r.buf.Reset(&r.text)
	c := csv.NewReader(r.buf)
	c.FieldsPerRecord, c.TrimLeadingSpace, c.LazyQuotes = -1, trim, lazy
	return c.Read()
}

// endsOpen tells whether what keeps a text from being a record is only that its last value is
// still open: then one more quotation mark makes it one.
func (r *rowReader) endsOpen(text string) bool {
	_, err := r.record(text+`"`, false, false)
	return err == nil
}

func quoteProblem(err error) string {
	var p *csv.ParseError
	if errors.As(err, &p) {
		return fmt.Sprintf("column %d: %v", p.Column, p.Err)
	}
	return err.Error()
}

// peek returns the line i lines ahead, or io.EOF.
func (r *rowReader) peek(i int) (textLine, error) {
	for len(r.ahead) <= i {
		l, err := r.read()
		if err != nil {
			return textLine{}, err
		}
		r.ahead = append(r.ahead, l)
	}
	return r.ahead[i], nil
}

func (r *rowReader) drop(n int) { r.ahead = r.ahead[n:] }

// read returns the next line without its end. Of a line that is too long nothing is kept.
func (r *rowReader) read() (textLine, error) {
	l := textLine{number: r.last + 1}
	raw, err := r.src.ReadSlice(r.eol)
	for errors.Is(err, bufio.ErrBufferFull) {
		l.overlong = true
		raw, err = r.src.ReadSlice(r.eol)
	}
	if errors.Is(err, io.EOF) && len(raw) == 0 && !l.overlong {
		return textLine{}, io.EOF
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return textLine{}, r.failure(err)
	}
	r.last++
	text := strings.TrimRight(string(raw), "\r\n")
	if len(text) > MaxRowBytes {
		l.overlong = true
	}
	if !l.overlong {
		l.text = strings.ReplaceAll(text, "\n", " ") // only in files whose lines end otherwise
	}
	return l, nil
}

func (r *rowReader) failure(err error) error {
	if errors.Is(err, errTooLarge) {
		return &FileError{File: r.file, Line: r.last + 1,
			Problem: fmt.Sprintf("the file is larger than %d MiB, which no catalogue is", MaxFileBytes>>20)}
	}
	return &FileError{File: r.file, Line: r.last + 1, Problem: "the file cannot be read", Cause: err}
}

// cappedReader fails with errTooLarge after so many bytes.
type cappedReader struct {
	r    io.Reader
	left int64
}

func (c *cappedReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if c.left -= int64(n); c.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}
