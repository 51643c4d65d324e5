import warnings, traceback
import pytest, torch, numpy as np
torch.set_num_threads(1)
from stancewire.training import encoders, export
from stancewire.training.recipe import *
from stancewire.training.model import PackedClassifier
from stancewire.training.quantise import quantise
import onnx
KINDS=[("bert",{}),("roberta",{"pad_token_id":0}),("xlm-roberta",{"pad_token_id":0}),("distilbert",{"dim":32,"n_layers":2,"n_heads":2,"hidden_dim":64}),("electra",{"embedding_size":32}),("albert",{"embedding_size":16}),("mpnet",{"initializer_range":0.02}),("deberta-v2",{"relative_attention":True,"pos_att_type":["p2c","c2p"],"position_biased_input":False,"type_vocab_size":0,"pooler_hidden_size":32,"max_relative_positions":-1,"position_buckets":16,"norm_rel_ebd":"layer_norm","share_att_key":True}),("modernbert",{"global_attn_every_n_layers":2,"local_attention":16}),("nomic_bert",{}),("eurobert",{}),("mobilebert",{"embedding_size":32,"intra_bottleneck_size":32,"true_hidden_size":32}),("camembert",{"pad_token_id":0}), ("funnel",{}),("xlnet",{})]
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("kind,extra", KINDS, ids=[k for k,_ in KINDS])
@pytest.mark.parametrize("att", ["blocked","joint","separate"])
def test_it(make_tiny_encoder,tmp_path,kind,extra,att):
    f=make_tiny_encoder(tmp_path,kind,**extra)
    r=Recipe(name="x",family="frozen" if att=="separate" else "packed",base={"path":str(f),"attention":"joint" if att=="joint" else "blocked"})
    p=encoders.load(r.base)
    print("ROW", kind, att, p.special)
    try:
        e=encoders.build(r,p)
        torch.manual_seed(0)
        m=PackedClassifier(e,16,0.1).eval()
        pe=p.pair_encoder(r)
        g=export.to_onnx(m,pe)
        d=export.check_onnx(m,g,pe,[],r.parity)
        q=quantise(g,weight_bits=7,keep_last=2)
        mm=onnx.load_from_string(q)
        print("ROW   parity",d,[i.name for i in mm.graph.input], [n.op_type for n in mm.graph.node if 'MatMul' in n.op_type].__len__(), sum(n.op_type=="MatMulIntegerToFloat" for n in mm.graph.node), sum(n.op_type=="Gemm" for n in mm.graph.node))
        fp,_=export.OnnxBackend(g,pe).logits(export._SHAPES[-1]); qq,_=export.OnnxBackend(q,pe).logits(export._SHAPES[-1])
        print("ROW   int8 diff",abs(fp-qq).max())
    except Exception as x:
        print("ROW   FAIL", kind, att, type(x).__name__, str(x)[:600].replace("\n"," | "))
        if att=="joint": traceback.print_exc()
