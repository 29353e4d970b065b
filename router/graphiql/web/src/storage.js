// What GraphiQL remembers (tabs, history, variables) stays in this browser tab, per client: two
// clients have two schemas, and what was asked must not outlive the visit on a shared machine.
export function tabStorage(client) {
  const prefix = `graphiql.${client}:`;
  const keys = () => Object.keys(sessionStorage).filter((key) => key.startsWith(prefix));
  return {
    getItem: (key) => sessionStorage.getItem(prefix + key),
    setItem: (key, value) => sessionStorage.setItem(prefix + key, value),
    removeItem: (key) => sessionStorage.removeItem(prefix + key),
    clear: () => keys().forEach((key) => sessionStorage.removeItem(key)),
    get length() {
      return keys().length;
    },
  };
}
