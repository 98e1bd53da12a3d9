// The process of a Node.js function: serves invocations from Lambda's Runtime API until its standard input ends.
// Needs nothing but Node.js 18. Follows https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';

const [authority, environment] = process.env.AWS_LAMBDA_RUNTIME_API.split('/');
const [host, port] = authority.split(':');
const root = `/${environment}/2018-06-01/runtime/`;
// Sockets in its pool do not keep the process alive, so that the event loop is empty when the function's own work is done.
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const streaming = Symbol('streaming handler');

let currentRequestId = null;

// In a thread of its own, because the function may keep the main one busy for ever.
function exitWithParent() {
  const watch = `
    const net = require('node:net');
    const parent = new net.Socket({ fd: 0, readable: true, writable: false });
    const end = () => process.kill(process.pid, 'SIGKILL');
    parent.on('end', end).on('error', end).resume();`;
  new Worker(watch, { eval: true, stdin: false }).unref();
  // Ctrl-C reaches the terminal's whole foreground group; the parent decides when functions end.
  process.on('SIGINT', () => {});
}

function open(method, location, headers, onResponse) {
  return http.request({ host, port, agent, method, path: root + location, headers }, onResponse);
}

function send(method, location, headers, body) {
  return new Promise((resolve, reject) => {
    const request = open(method, location, headers, answerTo(resolve, reject));
    request.on('error', reject);
    request.end(body);
  });
}

function answerTo(resolve, reject) {
  return response => {
    const parts = [];
    response.on('data', part => parts.push(part));
    response.on('error', reject);
    response.on('end', () => {
      const payload = Buffer.concat(parts);
      if (response.statusCode === 200 || response.statusCode === 202) resolve({ headers: response.headers, payload });
      else reject(new Error(`The Runtime API answered ${response.statusCode}: ${payload}`));
    });
  };
}

function describe(error) {
  if (error instanceof Error) {
    return { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? '').split('\n') };
  }
  return { errorType: typeof error, errorMessage: String(error), trace: [] };
}

function postError(location, error) {
  const description = describe(error);
  const headers = { 'Content-Type': 'application/json', 'Lambda-Runtime-Function-Error-Type': description.errorType.replace(/[^\w.]/g, '_') };
  return send('POST', location, headers, JSON.stringify(description));
}

function named(name, message) {
  const error = new Error(message);
  error.name = name;
  // Where this file says it is of no use to anybody.
  error.stack = `${name}: ${message}`;
  return error;
}

// Node.js tells it on stderr only, and only to who starts it.
function lineOfSyntaxError(file) {
  const { stderr } = spawnSync(process.execPath, ['--check', file], { encoding: 'utf8' });
  const [, line] = /:(\d+)\n/.exec(stderr ?? '') ?? [];
  return line ? ` (${path.basename(file)}, line ${line})` : '';
}

async function loadHandler() {
  const { LAMBDA_TASK_ROOT: taskRoot, _HANDLER: handler } = process.env;
  // "folder/module.export.member": the module ends at the first dot after the last slash.
  const match = /^((?:.*\/)?[^./]+)\.(.+)$/.exec(handler);
  if (!match) throw named('Runtime.MalformedHandlerName', `Bad handler '${handler}'`);
  const [, moduleName, member] = match;
  const file = ['.js', '.mjs', '.cjs'].map(extension => path.join(taskRoot, moduleName + extension)).find(fs.existsSync);
  if (!file) throw named('Runtime.ImportModuleError', `Error: Cannot find module '${moduleName}' in ${taskRoot}`);

  let module;
  try {
    module = await import(pathToFileURL(file));
  } catch (error) {
    if (error instanceof SyntaxError) throw named('Runtime.UserCodeSyntaxError', `SyntaxError: ${error.message}${lineOfSyntaxError(file)}`);
    if (error.code === 'ERR_MODULE_NOT_FOUND' || error.code === 'MODULE_NOT_FOUND') throw named('Runtime.ImportModuleError', `Error: ${error.message}`);
    throw error;
  }

  // CommonJS exports that the lexer does not see are on `default` only.
  const found = lookUp(module, member) ?? lookUp(module.default, member);
  if (typeof found !== 'function') throw named('Runtime.HandlerNotFound', `${handler} is undefined or not exported`);
  return found;
}

function lookUp(module, member) {
  return member.split('.').reduce((value, name) => value?.[name], module);
}

function contextOf(headers) {
  const deadline = Number(headers['lambda-runtime-deadline-ms']);
  const clientContext = headers['lambda-runtime-client-context'];
  return {
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    tenantId: headers['lambda-runtime-aws-tenant-id'],
    clientContext: clientContext ? JSON.parse(clientContext) : undefined,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.max(deadline - Date.now(), 0),
  };
}

// Resolves when the handler's promise does, or after its callback: then, if the context says so, when nothing is left to do.
function run(handler, event, context) {
  return new Promise((resolve, reject) => {
    const onEmpty = () => finish(resolve, null);
    const finish = (settle, value) => {
      process.off('beforeExit', onEmpty);
      settle(value);
    };
    const settleLater = (settle, value) => {
      if (!context.callbackWaitsForEmptyEventLoop) return finish(settle, value);
      process.off('beforeExit', onEmpty);
      process.once('beforeExit', () => settle(value));
    };
    const done = (error, value) => (error ? settleLater(reject, error) : settleLater(resolve, value));
    context.done = done;
    context.succeed = value => done(null, value);
    context.fail = error => done(error ?? named('Error', 'handled'));

    process.once('beforeExit', onEmpty);
    const returned = handler(event, context, done);
    if (typeof returned?.then === 'function') {
      returned.then(value => finish(resolve, value), error => finish(reject, error));
    }
  });
}

async function serve(handler, event, context) {
  const location = `invocation/${context.awsRequestId}/`;
  let body;
  try {
    if (handler[streaming]) return await stream(handler, event, context, location);
    body = JSON.stringify((await run(handler, event, context)) ?? null);
  } catch (error) {
    console.error(error?.stack ?? error);
    return postError(location + 'error', error);
  }
  return send('POST', location + 'response', { 'Content-Type': 'application/json' }, body);
}

function stream(handler, event, context, location) {
  return new Promise((resolve, reject) => {
    const headers = {
      'Content-Type': 'application/octet-stream',
      'Lambda-Runtime-Function-Response-Mode': 'streaming',
      Trailer: 'Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body',
      'Transfer-Encoding': 'chunked',
    };
    const request = open('POST', location + 'response', headers, answerTo(resolve, reject));
    request.on('error', reject);
    request.setContentType = () => {};
    Promise.resolve().then(() => handler(event, request, context)).catch(error => {
      console.error(error?.stack ?? error);
      const description = describe(error);
      request.addTrailers({
        'Lambda-Runtime-Function-Error-Type': description.errorType.replace(/[^\w.]/g, '_'),
        'Lambda-Runtime-Function-Error-Body': Buffer.from(JSON.stringify(description)).toString('base64'),
      });
      request.end();
    });
  });
}

globalThis.awslambda = {
  streamifyResponse: handler => Object.assign((...rest) => handler(...rest), { [streaming]: true }),
  HttpResponseStream: {
    // The prelude that function URLs understand: a JSON document, then eight zero bytes.
    from: (response, prelude) => {
      response.write(JSON.stringify(prelude));
      response.write(Buffer.alloc(8));
      return response;
    },
  },
};

async function end(name, error) {
  console.error(error?.stack ?? error);
  if (currentRequestId !== null) {
    const failure = describe(error);
    await postError(`invocation/${currentRequestId}/error`, Object.assign(named(name, `${failure.errorType}: ${failure.errorMessage}`), { stack: failure.trace.join('\n') }));
  }
  process.exit(1);
}

exitWithParent();
let handler;
try {
  handler = await loadHandler();
} catch (error) {
  console.error(error?.stack ?? error);
  await postError('init/error', error);
  process.exit(1);
}

process.on('uncaughtException', error => end('Runtime.UncaughtException', error));
process.on('unhandledRejection', error => end('Runtime.UnhandledPromiseRejection', error));

async function loop() {
  while (true) {
    let next;
    try {
      next = await send('GET', 'invocation/next', {}, undefined);
    } catch (error) {
      // The service is gone, and this process has no other purpose.
      console.error(error.message);
      process.exit(1);
    }
    const context = contextOf(next.headers);
    currentRequestId = context.awsRequestId;
    process.env._X_AMZN_TRACE_ID = next.headers['lambda-runtime-trace-id'];
    await serve(handler, JSON.parse(next.payload), context);
    currentRequestId = null;
  }
}

await loop();
