#!/usr/bin/env node
// @ts-check
/**
 * Business hours with a look into the customers' database: an engine for Offhook (docs/engines.md), with Node alone.
 *
 *     node business_hours.mjs run/control.sock front-desk customers.json [open|closed]
 *
 * While open, customers wait in their queue, good ones first; a caller whom nobody knows keys what the call is about. While closed,
 * and when nobody takes the call, the caller hears why and is told busy. `customers.json` stands for a database:
 *
 *     { "hours": { "from": 9, "to": 18, "days": [1, 2, 3, 4, 5] },
 *       "queues": { "1": "orders", "2": "repairs" },
 *       "customers": { "+819012345678": { "name": "Sato", "queue": "orders", "level": 1 } } }
 */
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { createInterface } from "node:readline";

/** @typedef {{ name: string, queue: string, level: number }} Customer */
/** @typedef {{ from: number, to: number, days: number[] }} Hours */
/** @typedef {{ hours: Hours, queues: Record<string, string>, customers: Record<string, Customer> }} Database */
/** @typedef {{ e164?: string, received?: string }} Party */
/** @typedef {{ request: string, reason: string, caller?: Party, details?: Record<string, any> }} RouteRequest */
/** @typedef {Record<string, unknown> | null} Decision */

const [socket, engine, file, forced] = process.argv.slice(2);
if (!socket || !engine || !file) {
    console.error("usage: business_hours.mjs SOCKET ENGINE CUSTOMERS.json [open|closed]");
    process.exit(64);
}

/** Read anew for each call, as a query would be. @returns {Promise<Database>} */
async function database() {
    return JSON.parse(await readFile(file, "utf8"));
}

/** @param {Hours} hours @param {Date} now */
function isOpen(hours, now) {
    if (forced) return forced === "open";
    return hours.days.includes(now.getDay()) && now.getHours() >= hours.from && now.getHours() < hours.to;
}

/** What becomes of a call. `null`: we do not know; then happens what configuration declares. @param {RouteRequest} request */
async function decide(request) {
    const { hours, queues, customers } = await database();
    if (!isOpen(hours, new Date())) {
        return reject("We are closed. Please call again in the morning.");
    }
    switch (request.reason) {
        case "inbound":
        case "outbound":
        case "flow_step": {
            const customer = customers[request.caller?.e164 ?? ""];
            return customer ? wait(customer.queue, customer.level, customer.name) : ask(queues);
        }
        case "collected": {
            const queue = queues[String(request.details?.StoredCustomerInput ?? "")];
            return queue ? wait(queue, 5, "unknown") : null;
        }
        case "overflow":
        case "no_answer":
            return reject("All of us are on the phone. Please try again later.");
        default:
            return null;
    }
}

/** @param {string} queue @param {number} priority @param {string} customer @returns {Decision} */
function wait(queue, priority, customer) {
    return { do: "queue", queue, priority, attributes: { customer } };
}

/** @param {Record<string, string>} queues @returns {Decision} */
function ask(queues) {
    const menu = Object.entries(queues).map(([key, queue]) => `For ${queue}, press ${key}.`).join(" ");
    return { do: "collect", digits: 1, play: [{ say: menu }], first_timeout: 10 };
}

/** @param {string} why @returns {Decision} */
function reject(why) {
    return { do: "reject", cause: "busy", play: [{ say: why }] };
}

// Ids begin with the time: a program that is started again does not ask again what it has asked before.
let lastId = Date.now();
const stream = connect(socket);

/** @param {string} command @param {Record<string, unknown>} fields */
function say(command, fields) {
    lastId += 1;
    stream.write(JSON.stringify({ id: lastId, command, ...fields }) + "\n");
}

stream.on("connect", () => {
    say("hello", { client: `business-hours.${engine}`, versions: [1] });
    say("attach", { engine });
    console.log("attached");
});
stream.on("error", (error) => {
    console.error(`the conversation broke: ${error.message}`);
    process.exit(1);
});

for await (const line of createInterface({ input: stream })) {
    const message = JSON.parse(line);
    if (message.event === "route.request") {
        // The next line is read meanwhile: a slow query for one call keeps no other one waiting.
        decide(message)
            .catch(() => null)
            .then((decision) => say("decide", { request: message.request, decision }));
    } else if (message.error) {
        // Too late, or the call is gone: what was declared has happened.
        console.error("refused:", JSON.stringify(message.error));
    }
}
