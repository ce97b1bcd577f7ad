// The names behind the ids that bookings, entries and the journal hold.

import { get } from "../api.js";

const AT_ONCE = 100; // ids that one request may hold

export class People {
  #known = new Map();

  constructor(eventId) {
    this.eventId = eventId;
  }

  /** Learn the names of those who are not known yet. */
  async learn(ids) {
    const unknown = [...new Set(ids)].filter((id) => id && !this.#known.has(id));
    for (let start = 0; start < unknown.length; start += AT_ONCE) {
      const some = unknown.slice(start, start + AT_ONCE);
      const { items } = await get(`/events/${this.eventId}/people`, { ids: some.join(",") });
      some.forEach((id) => this.#known.set(id, null)); // who is none of this event's people is not asked for again
      items.forEach((person) => this.#known.set(person.id, person));
    }
  }

  name(id) {
    return this.#known.get(id)?.name ?? "somebody";
  }

  email(id) {
    return this.#known.get(id)?.email ?? "";
  }
}
