"""Adapters: one vendor's API each, behind the `Provider` of `agents/messages.py`.

    registry             names -> adapters; keys and base URLs
    anthropic_messages   the Messages API    anthropic_layout   its requests and answers
    openai_responses     the Responses API   openai_layout      its requests and answers
    chat_completions     Chat Completions    chat_layout        likewise (chat_repair)
    openai_sdk           what both of OpenAI's APIs share
    capabilities         what each provider and model takes
    retry                the one retry layer
    faults               what a vendor said went wrong -> our typed errors
    pricing              tokens -> USD
    calling              one attempt: watched, its failure translated
    transport            an HTTP client whose every wait obeys `CallLimits` (network, watch)

A vendor's SDK is imported when its adapter is constructed.
"""
