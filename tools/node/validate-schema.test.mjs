import assert from 'node:assert/strict';
import { test } from 'node:test';
import { check } from './validate-schema.mjs';

const described = `
"""Where reading starts."""
type Query {
  """Looks a thing up."""
  thing("""Which one.""" id: ID!): Thing
}

"""Anything."""
interface Thing {
  """Its key."""
  id: ID!
}

"""How a thing feels."""
enum Mood {
  """Well."""
  GOOD
}

"""What to do."""
input Wish {
  """The mood to be in."""
  mood: Mood
}
`;

test('a valid and described schema has no problems', () => {
  assert.deepEqual(check(described), []);
});

test('every kind of missing description is named by its coordinate', () => {
  const bare = described.replaceAll(/"""[^"]*"""/g, '') + 'directive @loud(volume: Int) on FIELD\n';
  assert.deepEqual(
    check(bare).sort(),
    [
      '@loud', '@loud(volume:)', 'Mood', 'Mood.GOOD', 'Query', 'Query.thing', 'Query.thing(id:)',
      'Thing', 'Thing.id', 'Wish', 'Wish.mood',
    ].map((c) => `no description: ${c}`).sort(),
  );
});

test('a blank description counts as none', () => {
  assert.deepEqual(check(described.replace('Anything.', ' ')), ['no description: Thing']);
});

test('what is not SDL is reported with its place', () => {
  assert.match(check('type Query {')[0], /^invalid: Syntax Error.*\(line 1, column 13\)$/);
});

test('an invalid schema is reported', () => {
  assert.match(check('type Query { a: Missing }')[0], /^invalid: Unknown type "Missing"/);
  assert.match(check('type Query { __a: Int }')[0], /^invalid: Name "__a" must not begin with/);
});
