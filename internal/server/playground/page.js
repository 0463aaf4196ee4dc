// The page around GraphiQL: it keeps the API token, sends it with every request, and says in
// plain words when there is none or when it is refused.
'use strict';

(() => {
  const TOKEN = 'licensegraph:token';
  const form = document.getElementById('token-form');
  const text = document.getElementById('token-text');
  const input = document.getElementById('token-input');
  const examples = JSON.parse(document.getElementById('tabs').textContent);
  const { key, version } = document.body.dataset;
  const storage = scopedStorage(`licensegraph:${key}:`);
  const root = ReactDOM.createRoot(document.getElementById('graphiql'));

  const messages = {
    missing: 'A token is needed to read the schema and to run queries.',
    checking: 'Checking the token…',
    accepted: 'Token accepted',
    refused: 'The server refused this token: it is unknown, expired or revoked.',
    unreachable: 'The server cannot be reached.',
  };

  openTheRightTab();
  let token = takeFromAddress() || remembered();

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    use(input.value.trim());
  });
  document.getElementById('token-forget').addEventListener('click', () => {
    use('');
    input.focus();
  });
  window.addEventListener('hashchange', () => {
    const given = takeFromAddress();
    if (given) use(given);
  });
  use(token);

  /** Takes a token into use; an empty one means none. GraphiQL then reads the schema anew. */
  function use(next) {
    token = next;
    input.value = '';
    remember(token);
    show(token ? 'checking' : 'missing');
    render();
  }

  function show(state) {
    form.dataset.state = state;
    text.textContent = messages[state];
  }

  function render() {
    const create = React.createElement;
    root.render(
      create(
        GraphiQL,
        {
          fetcher: fetcherWith(token),
          defaultTabs: examples.length > 0 ? examples : undefined,
          defaultQuery: '# Write a query here. Ctrl+Space suggests, Ctrl+Enter runs.\n',
          inputValueDeprecation: true,
          schemaDescription: true,
          shouldPersistHeaders: false,
          storage,
        },
        create(GraphiQL.Logo, null, create('span', { className: 'version' }, version)),
      ),
    );
  }

  /** Returns the function through which GraphiQL reaches the server. */
  function fetcherWith(bearer) {
    return async (params, options = {}) => {
      const headers = new Headers({
        accept: 'application/graphql-response+json, application/json;q=0.9',
        'content-type': 'application/json',
      });
      if (bearer) headers.set('authorization', `Bearer ${bearer}`);
      for (const [name, value] of Object.entries(options.headers ?? {})) headers.set(name, value);
      if (!headers.has('authorization')) return failure(messages.missing);

      const own = headers.get('authorization') === `Bearer ${bearer}`;
      const report = (state) => {
        if (own && bearer === token) show(state);
      };
      let response;
      try {
        response = await fetch('graphql', {
          method: 'POST',
          headers,
          body: JSON.stringify(params),
          cache: 'no-store',
          credentials: 'same-origin',
        });
      } catch {
        report('unreachable');
        return failure(messages.unreachable);
      }
      report(response.status === 401 ? 'refused' : 'accepted');
      try {
        return await response.json();
      } catch {
        return failure(`The server answered with status ${response.status} and no JSON.`);
      }
    };
  }

  function failure(message) {
    return { errors: [{ message }] };
  }

  /** Reads #token=… and takes it out of the address bar and the history. */
  function takeFromAddress() {
    const given = new URLSearchParams(location.hash.slice(1)).get('token');
    if (given !== null) history.replaceState(null, '', location.pathname + location.search);
    return given;
  }

  // A browser may refuse storage; the token then lasts as long as the page.
  function remembered() {
    try {
      return sessionStorage.getItem(TOKEN) ?? '';
    } catch {
      return '';
    }
  }

  function remember(value) {
    try {
      if (value) sessionStorage.setItem(TOKEN, value);
      else sessionStorage.removeItem(TOKEN);
    } catch {
      // see above
    }
  }

  // GraphiQL starts with the query and the variables that it stored last, wherever they came
  // from, and adds a tab for them if no tab has just these. They must be the active tab's.
  function openTheRightTab() {
    if (!storage) return;
    let active = examples[0];
    try {
      const state = JSON.parse(storage.getItem('graphiql:tabState'));
      active = state.tabs[state.activeTabIndex] ?? active;
    } catch {
      // a first visit
    }
    storage.setItem('graphiql:query', active?.query ?? '');
    storage.setItem('graphiql:variables', active?.variables ?? '');
  }

  /** Keeps GraphiQL's tabs apart from those of another set of examples on the same address. */
  function scopedStorage(prefix) {
    const keys = () => Object.keys(localStorage).filter((k) => k.startsWith(prefix));
    try {
      localStorage.getItem(prefix);
    } catch {
      return null;
    }
    return {
      getItem: (k) => localStorage.getItem(prefix + k),
      setItem: (k, v) => localStorage.setItem(prefix + k, v),
      removeItem: (k) => localStorage.removeItem(prefix + k),
      clear: () => keys().forEach((k) => localStorage.removeItem(k)),
      get length() {
        return keys().length;
      },
    };
  }
})();
