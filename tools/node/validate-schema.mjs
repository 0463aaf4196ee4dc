// Validates an SDL file with graphql-js, the reference implementation, and demands a
// description on everything that a reader of the schema meets:
//
//   node validate-schema.mjs schema.graphql
//
// Exits 1 and lists what is wrong or undescribed.
import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import {
  buildSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedDirective,
  isSpecifiedScalarType,
  validateSchema,
} from 'graphql';

/** Returns what is wrong with the SDL as a list of lines; none means valid and described. */
export function check(sdl) {
  let schema;
  try {
    schema = buildSchema(sdl);
  } catch (err) {
    return [`invalid: ${err.message}${place(err)}`];
  }
  const invalid = validateSchema(schema).map((err) => `invalid: ${err.message}${place(err)}`);
  return invalid.length > 0 ? invalid : undescribed(schema).map((name) => `no description: ${name}`);
}

/** Returns the coordinates (Type.field(argument:)) of everything without a description. */
function undescribed(schema) {
  const missing = [];
  const note = (described, coordinate) => {
    if (!described.description?.trim()) missing.push(coordinate);
  };
  for (const type of Object.values(schema.getTypeMap())) {
    if (isIntrospectionType(type) || isSpecifiedScalarType(type)) continue;
    note(type, type.name);
    if (isEnumType(type)) {
      for (const value of type.getValues()) note(value, `${type.name}.${value.name}`);
    }
    if (isInputObjectType(type)) {
      for (const field of Object.values(type.getFields())) note(field, `${type.name}.${field.name}`);
    }
    if (isObjectType(type) || isInterfaceType(type)) {
      for (const field of Object.values(type.getFields())) {
        note(field, `${type.name}.${field.name}`);
        for (const arg of field.args) note(arg, `${type.name}.${field.name}(${arg.name}:)`);
      }
    }
  }
  for (const directive of schema.getDirectives()) {
    // gqlgen's parser brings @defer along; it is in no way the schema's own.
    if (isSpecifiedDirective(directive) || directive.name === 'defer') continue;
    note(directive, `@${directive.name}`);
    for (const arg of directive.args) note(arg, `@${directive.name}(${arg.name}:)`);
  }
  return missing;
}

function place(err) {
  const at = err.locations?.[0];
  return at ? ` (line ${at.line}, column ${at.column})` : '';
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const file = process.argv[2];
  if (!file) {
    console.error('usage: node validate-schema.mjs FILE');
    process.exit(2);
  }
  const problems = check(await readFile(file, 'utf8'));
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) {
    console.error(`${file}: ${problems.length} problem${problems.length === 1 ? '' : 's'}`);
    process.exit(1);
  }
  console.log(`${file}: valid, and everything is described`);
}
