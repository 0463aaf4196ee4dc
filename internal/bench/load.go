package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"slices"
	"sync"
	"time"
)

// load is what to send, and for how long.
type load struct {
	Address     string
	Question    question
	Variables   []string // of the requests, as JSON; they are taken at random
	Connections int
	Duration    time.Duration
	Seed        uint64
}

// loaded is what came of it.
type loaded struct {
	Sent     int64 // requests, those of warming up included
	Measured int64
	Elapsed  time.Duration
	P50, P99 time.Duration
	Bytes    int64 // of the bodies of all answers
}

func (l loaded) rate() float64 { return float64(l.Measured) / l.Elapsed.Seconds() }

// warmUps are requests of each connection that are not measured.
const warmUps = 5

// run sends over all connections until the time is over.
func (l *load) run(ctx context.Context) (loaded, error) {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	var (
		all    sync.WaitGroup
		warm   sync.WaitGroup
		begin  = make(chan time.Time)
		shares = make([]share, l.Connections)
	)
	warm.Add(l.Connections)
	for i := range shares {
		all.Go(func() {
			if err := shares[i].send(ctx, l, uint64(i), warm.Done, begin); err != nil { //nolint:gosec // an index
				end(err)
			}
		})
	}
	warm.Wait()
	start := now()
	for range shares {
		begin <- start
	}
	all.Wait()
	out := loaded{Elapsed: now().Sub(start)}
	if err := context.Cause(ctx); err != nil {
		return loaded{}, err
	}
	var latencies []time.Duration
	for _, s := range shares {
		out.Sent += int64(len(s.latencies) + warmUps)
		out.Bytes += s.bytes
		latencies = append(latencies, s.latencies...)
	}
	out.Measured = int64(len(latencies))
	out.P50, out.P99 = quantiles(latencies)
	return out, nil
}

// share is what one connection does.
type share struct {
	latencies []time.Duration
	bytes     int64
}

func (s *share) send(ctx context.Context, l *load, stream uint64, warm func(), begin <-chan time.Time) error {
	once := sync.OnceFunc(warm)
	wait := sync.OnceValue(func() time.Time { once(); return <-begin })
	defer wait()                                    // whoever fails must keep nobody waiting
	random := rand.New(rand.NewPCG(l.Seed, stream)) //nolint:gosec // which user is asked about
	c, err := dial(ctx, l.Address)
	if err != nil {
		return err
	}
	defer func() { _ = c.close() }()
	defer context.AfterFunc(ctx, func() { _ = c.close() })()
	for range warmUps {
		if err := s.ask(c, l, random); err != nil {
			return err
		}
	}
	s.latencies = make([]time.Duration, 0, 1<<17)
	for before, start := wait(), wait(); before.Sub(start) < l.Duration; {
		if err := s.ask(c, l, random); err != nil {
			return err
		}
		after := now()
		s.latencies = append(s.latencies, after.Sub(before))
		before = after
	}
	return nil
}

func (s *share) ask(c *client, l *load, random *rand.Rand) error {
	body, err := c.ask(&l.Question, l.Variables[random.IntN(len(l.Variables))])
	s.bytes += int64(len(body))
	return err
}

// quantiles are the median and the 99th percentile; 0 where there is nothing.
func quantiles(d []time.Duration) (p50, p99 time.Duration) {
	if len(d) == 0 {
		return 0, 0
	}
	slices.Sort(d)
	return d[len(d)/2], d[len(d)*99/100]
}

// now is for durations: unlike the clock that changes are dated by, it never goes back.
func now() time.Time { return time.Now() } //nolint:forbidigo // see above

// LoadProcess is the work of the process that sends requests: it reads what to send, sends it,
// and writes what came of it.
func LoadProcess(ctx context.Context, in io.Reader, out io.Writer) error {
	var l load
	if err := json.NewDecoder(in).Decode(&l); err != nil {
		return fmt.Errorf("read what to send: %w", err)
	}
	result, err := l.run(ctx)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(result)
}

// send sends from a process of its own, where there is a command for it.
func (r *run) send(ctx context.Context, l load) (loaded, error) {
	if len(r.Load) == 0 {
		return l.run(ctx)
	}
	in, err := json.Marshal(l)
	if err != nil {
		return loaded{}, err
	}
	var out, failed bytes.Buffer
	cmd := exec.CommandContext(ctx, r.Load[0], r.Load[1:]...) //nolint:gosec // the program itself
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), &out, &failed
	if err := cmd.Run(); err != nil {
		return loaded{}, errors.Join(ctx.Err(), fmt.Errorf("send requests: %w: %s", err, bytes.TrimSpace(failed.Bytes())))
	}
	var result loaded
	err = json.Unmarshal(out.Bytes(), &result)
	return result, err
}
