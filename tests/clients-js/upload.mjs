// A GraphQL Yoga server that says what it gets of a file. Prints {"url":…} once it listens.
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { createSchema, createYoga } from 'graphql-yoga';

const schema = createSchema({
  typeDefs: 'scalar File type Query { nothing: Int } type Mutation { file(scan: File!): String }',
  resolvers: {
    Mutation: {
      file: async (_, { scan }) => {
        const bytes = Buffer.from(await scan.arrayBuffer());
        return `${scan.name} ${scan.type} ${createHash('sha256').update(bytes).digest('hex')}`;
      },
    },
  },
});
const server = createServer(createYoga({ schema, logging: false }));
server.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ url: `http://127.0.0.1:${server.address().port}/graphql` }));
});
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
