package demo

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/directory"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// hire creates all users: those of departments first, then those the demo tells about.
func (b *builder) hire(ctx context.Context) error {
	for _, d := range departments {
		for _, t := range append([]team{d.team}, d.teams...) {
			b.progress("people of " + t.name)
			if err := b.hireTeam(ctx, d.name, t); err != nil {
				return err
			}
		}
	}
	for _, p := range people {
		if err := b.hirePerson(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) hireTeam(ctx context.Context, department string, t team) error {
	titles, sites := strings.Split(t.titles, ","), strings.Split(t.sites, ",")
	for i := range t.size {
		title := titles[0]
		if i > 0 && len(titles) > 1 { // there is one lead
			title = titles[1+(i-1)%(len(titles)-1)]
		}
		site := sites[i%len(sites)]
		name := b.makeName(site)
		in := directory.CreateUserInput{DisplayName: name, Department: &department, JobTitle: &title, UsageLocation: &site}
		if err := b.hireUser(ctx, in, t.name); err != nil {
			return err
		}
	}
	return nil
}

// makeName makes up a name that nobody has.
func (b *builder) makeName(site string) string {
	pool := namesOf[site]
	given, family := strings.Split(pool.given, ","), strings.Split(pool.family, ",")
	for {
		name := given[b.random.IntN(len(given))] + " " + family[b.random.IntN(len(family))]
		if !b.names[name] {
			return name
		}
	}
}

func (b *builder) hirePerson(ctx context.Context, p person) error {
	in := directory.CreateUserInput{DisplayName: p.name, JobTitle: &p.title, UsageLocation: &p.site}
	if p.department != "" {
		in.Department = &p.department
	}
	if p.guest {
		in.UserType = principal.Guest
	}
	return b.hireUser(ctx, in, strings.Split(p.groups, ",")...)
}

// hireUser creates a user, who becomes a direct member of groups when they are made.
func (b *builder) hireUser(ctx context.Context, in directory.CreateUserInput, groups ...string) error {
	b.clock.Advance(97 * time.Second)
	given, family, _ := strings.Cut(in.DisplayName, " ")
	first, err := handle(given)
	if err != nil {
		return err
	}
	last, err := handle(family)
	if err != nil {
		return err
	}
	in.UserPrincipalName = first + "." + last + "@" + domain
	mail := in.UserPrincipalName
	if in.UserType == principal.Guest {
		mail = first + "." + last + "@auditors.example"
	} else {
		in.UserType = principal.Member
	}
	in.Mail, in.AccountEnabled = &mail, true
	r, err := b.directory.CreateUser(ctx, b.tenant, in)
	if err != nil {
		return fmt.Errorf("hire %s: %w", in.DisplayName, err)
	}
	b.names[in.DisplayName] = true
	b.users[in.DisplayName] = r.User.ID
	for _, g := range groups {
		b.members[g] = append(b.members[g], r.User.NodeID())
	}
	return nil
}

// organise makes the groups, what is nested first.
func (b *builder) organise(ctx context.Context) error {
	for _, d := range departments {
		nested := []string{}
		for _, t := range d.teams {
			if err := b.group(ctx, t.name, "", nil); err != nil {
				return err
			}
			nested = append(nested, t.name)
		}
		if d.name == diamondIn {
			nested = append(nested, diamond)
		}
		if err := b.group(ctx, d.name, "The department "+d.name+".", nested); err != nil {
			return err
		}
	}
	for _, g := range groups {
		for t := range strings.SplitSeq(g.fromTeams, ",") {
			for i := g.every - 1; i >= 0 && i < len(b.members[t]); i += g.every {
				if member := b.members[t][i]; !slices.Contains(b.members[g.name], member) {
					b.members[g.name] = append(b.members[g.name], member)
				}
			}
		}
		var nested []string
		if g.nested != "" {
			nested = strings.Split(g.nested, ",")
		}
		if err := b.group(ctx, g.name, g.description, nested); err != nil {
			return err
		}
	}
	return nil
}

// group makes a group with those who are to be in it.
func (b *builder) group(ctx context.Context, name, description string, nested []string) error {
	b.progress("group " + name)
	b.clock.Advance(4 * time.Minute)
	in := directory.CreateGroupInput{DisplayName: name, MemberIDs: b.members[name]}
	if description != "" {
		in.Description = &description
	}
	for _, n := range nested {
		child, ok := b.groups[n]
		if !ok {
			return fmt.Errorf("%s is to be nested in %s, but is not there", n, name)
		}
		in.MemberIDs = append(in.MemberIDs, id.Format(id.Group, child))
	}
	r, err := b.directory.CreateGroup(ctx, b.tenant, in)
	if err != nil {
		return fmt.Errorf("make the group %s: %w", name, err)
	}
	b.groups[name] = r.Group.ID
	return nil
}

// user returns a person that the demo tells about.
func (b *builder) user(name string) (uuid.UUID, error) {
	if u, ok := b.users[name]; ok {
		return u, nil
	}
	return uuid.Nil, fmt.Errorf("there is no %s", name)
}
