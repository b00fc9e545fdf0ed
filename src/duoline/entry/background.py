"""Every module that registers a job, regular work, a service or a consumer of events. Importing registers.

The worker imports this list, and a test fails when a registering module is missing here.
"""

from __future__ import annotations

import duoline.attribution.keep_bindings
import duoline.attribution.touches
import duoline.attribution.wechat_keys
import duoline.catalog.assortments
import duoline.catalog.jobs
import duoline.channels.imports.background
import duoline.channels.imports.forget
import duoline.entry.nightly
import duoline.favourites.limits
import duoline.flows.answer
import duoline.flows.credit
import duoline.flows.earn_points
import duoline.flows.erase_member
import duoline.flows.expire
import duoline.flows.give_back_offers
import duoline.flows.judge_by_new_rules
import duoline.flows.judge_tiers
import duoline.flows.learn_walk_ins
import duoline.flows.pay
import duoline.flows.pay_out
import duoline.flows.preorders
import duoline.flows.price_shelves
import duoline.flows.refund
import duoline.flows.remind
import duoline.flows.remind_balance
import duoline.flows.replan
import duoline.flows.replay
import duoline.flows.settle_shortage
import duoline.flows.top_up
import duoline.flows.top_up_refund
import duoline.flows.tune_keeping
import duoline.fulfilment.learn
import duoline.fulfilment.learn_promises
import duoline.fulfilment.promise_report
import duoline.fulfilment.verify_code
import duoline.insight.summarise
import duoline.kernel.flows
import duoline.kernel.follow
import duoline.kernel.idempotency
import duoline.kernel.outbox
import duoline.loyalty.ripen
import duoline.members.send_code
import duoline.members.sessions
import duoline.orders.guest_limits
import duoline.orders.park
import duoline.pricing.announce
import duoline.pricing.promotions.hours
import duoline.settlement.closing
import duoline.settlement.mature
import duoline.settlement.payouts
import duoline.stores.sessions
import duoline.wallet.expire  # noqa: F401 - importing registers
