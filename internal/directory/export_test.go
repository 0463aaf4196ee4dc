package directory

import "math"

// Walking makes every page of users walk through all users, however few are asked for.
func (s *Service) Walking() *Service {
	c := *s
	c.few, c.fewOfMany = 0, 0
	return &c
}

// Collecting makes every page of users read all who are asked for, however many they are.
func (s *Service) Collecting() *Service {
	c := *s
	c.few, c.fewOfMany = math.MaxInt32, math.MaxInt32
	return &c
}
