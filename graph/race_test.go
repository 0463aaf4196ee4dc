//go:build race

package graph_test

// raceDetector tells whether the race detector is on, which allocates, too.
const raceDetector = true
