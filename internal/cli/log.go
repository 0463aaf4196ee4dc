package cli

import (
	"fmt"
	"io"

	"github.com/rs/zerolog"

	"github.com/licensegraph/licensegraph/internal/clock"
)

// logLevel is the value of --log-level; nothing is the command's own default.
type logLevel string

// UnmarshalText refuses what is no level.
func (l *logLevel) UnmarshalText(text []byte) error {
	switch s := string(text); s {
	case "", "debug", "info", "warn", "error":
		*l = logLevel(s)
		return nil
	}
	return fmt.Errorf("%q is no level: give debug, info, warn or error", text)
}

// logFormat is the value of --log-format; nothing depends on what stderr is.
type logFormat string

// UnmarshalText refuses what is no format.
func (f *logFormat) UnmarshalText(text []byte) error {
	switch s := string(text); s {
	case "", "json", "console":
		*f = logFormat(s)
		return nil
	}
	return fmt.Errorf("%q is no format: give json or console", text)
}

// logger writes to stderr as the flags say. The demo and the benchmark are quiet unless told
// otherwise: what they print for people would drown in the access log.
func (c *commands) logger(p Process, command string) (zerolog.Logger, error) {
	level := zerolog.InfoLevel
	if command == "demo" || command == "bench" {
		level = zerolog.WarnLevel
	}
	if c.LogLevel != "" {
		var err error
		if level, err = zerolog.ParseLevel(string(c.LogLevel)); err != nil {
			return zerolog.Nop(), err
		}
	}
	var w io.Writer = zerolog.SyncWriter(p.Stderr)
	if c.LogFormat == "console" || c.LogFormat == "" && p.Terminal {
		w = zerolog.ConsoleWriter{Out: w, NoColor: !p.Terminal, TimeFormat: "15:04:05.000"}
	}
	return zerolog.New(w).Level(level).Hook(timestamp{clock.Wall{}}), nil
}

// timestamp gives each line the instant at which it was written, in UTC.
type timestamp struct{ clock clock.Clock }

// Run adds the field.
func (t timestamp) Run(e *zerolog.Event, _ zerolog.Level, _ string) {
	e.Str(zerolog.TimestampFieldName, t.clock.Now().String())
}
