package coerce

import (
	"context"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// Extension coerces within gqlgen's executor: the variables before the executor looks at them,
// because otherwise its own messages and its looser rules come first, and the operation before it
// is executed. It stands before extensions that evaluate arguments, such as a cost limit. Of
// several faults it reports the first, which is all that the executor has room for.
type Extension struct {
	// Documents is the executor's query cache. Optional: without it, and for a query that it
	// does not hold yet, the text is parsed once more.
	Documents graphql.Cache[*ast.QueryDocument]
	// TokenLimit is the executor's limit on the tokens of a query; 0 means none.
	TokenLimit int

	coercer *Coercer
}

var _ interface {
	graphql.HandlerExtension
	graphql.OperationParameterMutator
	graphql.OperationContextMutator
} = (*Extension)(nil)

// ExtensionName names the extension in gqlgen's own messages.
func (e *Extension) ExtensionName() string { return "Coercion" }

// Validate makes the extension ready for a schema; it fails as [New] does.
func (e *Extension) Validate(schema graphql.ExecutableSchema) (err error) {
	e.coercer, err = New(schema.Schema())
	return err
}

// MutateOperationParameters coerces the variables of a request. It leaves requests alone whose
// operation is not valid: the executor says what is wrong with these.
func (e *Extension) MutateOperationParameters(ctx context.Context, params *graphql.RawParams) *gqlerror.Error {
	if !strings.Contains(params.Query, "$") {
		return nil
	}
	doc, validated := e.document(ctx, params.Query)
	if doc == nil {
		return nil
	}
	op := doc.Operations.ForName(params.OperationName)
	if op == nil || !e.hasInputTypes(op) {
		return nil
	}
	vars, errs := e.coercer.Variables(op, params.Variables)
	if len(errs) == 0 {
		params.Variables = vars
		return nil
	}
	if !validated && len(validator.ValidateWithRules(e.coercer.schema, doc, rules.NewDefaultRules())) > 0 {
		return nil
	}
	return errs[0]
}

// MutateOperationContext checks the values that stand in the operation.
func (e *Extension) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	if errs := e.coercer.Operation(op.Operation, op.Variables); len(errs) > 0 {
		return errs[0]
	}
	return nil
}

func (e *Extension) document(ctx context.Context, query string) (doc *ast.QueryDocument, validated bool) {
	if e.Documents != nil {
		if doc, ok := e.Documents.Get(ctx, query); ok {
			return doc, true
		}
	}
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: query}, e.TokenLimit)
	if err != nil {
		return nil, false
	}
	return doc, false
}

func (e *Extension) hasInputTypes(op *ast.OperationDefinition) bool {
	for _, v := range op.VariableDefinitions {
		if def := e.coercer.schema.Types[v.Type.Name()]; def == nil || !def.IsInputType() {
			return false
		}
	}
	return true
}
